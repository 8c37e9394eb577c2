"""Data-parallel training: the devices and processes that share each batch, and reductions.

`distributed` opens the layout that the options select. The other functions query the open layout
(`tf.distribute.get_strategy`, `keras.distribution.distribution`); without one there is a single
device and a single process, and the functions are trivial.

- "mirrored": TensorFlow's `MirroredStrategy`, one process with a replica of the model on each of
  its devices. A replica sees only its own rows, so sums over the batch must be requested with
  `all_reduce_sum`.
- "data_parallel": JAX, one or more processes. Each process feeds its own rows; the step is compiled
  for the whole batch, so its sums are already those of the whole batch.
"""

import functools
import itertools
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

from common.errors import OptionError
from training.options.groups import DistributionOptions

logger = logging.getLogger(__name__)

_barriers = itertools.count()
# Generous, because a process may wait at a barrier for hours while another one reads text.
_WAIT_MS = 24 * 3600 * 1000


@contextmanager
def distributed(options: DistributionOptions, *, batch_size: int) -> Iterator[None]:
    """A context that trains on the devices that the options select.

    Create all Keras objects within it: the model, the optimizer and the metrics.

    Args:
        options: the layout.
        batch_size: the number of rows of a whole batch.

    Raises:
        OptionError: the layout is not available.
    """
    if options.distribute == "none":
        yield
    elif options.distribute == "mirrored":
        if keras.backend.backend() != "tensorflow":
            raise OptionError(
                "--distribute=mirrored needs the TensorFlow backend, but KERAS_BACKEND is "
                f"{keras.backend.backend()}. Unset it, or use --distribute=data_parallel."
            )
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        strategy = _mirrored(tuple(device.name for device in devices))
        _announce(batch_size, strategy.num_replicas_in_sync)
        with strategy.scope():
            yield
    else:
        with _data_parallel(options, batch_size):
            yield


@functools.cache
def _mirrored(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    # One per process: a second strategy would number its collective operations from the start, and
    # TensorFlow would confuse them with those of the first.
    return tf.distribute.MirroredStrategy(devices)


@contextmanager
def _data_parallel(options: DistributionOptions, batch_size: int) -> Iterator[None]:
    if keras.backend.backend() != "jax":
        raise OptionError(
            "--distribute=data_parallel needs the JAX backend: set KERAS_BACKEND=jax, and install "
            'it where it is missing (pip install ".[data_parallel]").'
        )
    import jax

    if options.num_processes > 1:
        os.environ.setdefault("JAX_CPU_COLLECTIVES_IMPLEMENTATION", "gloo")
        try:
            jax.distributed.initialize(
                options.coordinator, options.num_processes, options.process_id
            )
        except RuntimeError as error:
            raise OptionError(
                f"--coordinator={options.coordinator}: {options.num_processes} processes did not "
                f"find each other ({str(error).splitlines()[0]})."
            ) from error
    try:
        layout = keras.distribution.DataParallel(auto_shard_dataset=False)
        if not is_main_process():
            # Only the main process logs.
            logging.getLogger().setLevel(logging.WARNING)
        _announce(batch_size, layout.num_model_replicas)
        with layout.scope():
            yield
        barrier("end")
    finally:
        if options.num_processes > 1:
            jax.distributed.shutdown()


def _announce(batch_size: int, devices: int) -> None:
    if batch_size < devices:
        raise OptionError(
            f"--batch_size={batch_size}: there are {devices} devices, each of which needs a row."
        )
    logger.info("batches of %d over %d devices, %d processes", batch_size, devices, processes())


def replicas() -> int:
    """The number of devices that share each batch."""
    layout = keras.distribution.distribution()
    if layout is not None:
        return layout.num_model_replicas
    return tf.distribute.get_strategy().num_replicas_in_sync


def is_distributed() -> bool:
    """Whether a layout is open (it may have one device)."""
    return tf.distribute.has_strategy() or keras.distribution.distribution() is not None


def processes() -> int:
    """The number of processes that train together."""
    if keras.backend.backend() != "jax":
        return 1
    import jax

    return jax.process_count()


def process() -> int:
    """The number of this process, from 0."""
    if processes() == 1:
        return 0
    import jax

    return jax.process_index()


def is_main_process() -> bool:
    """Whether this is the process that writes checkpoints, logs and curves."""
    return process() == 0


def barrier(place: str) -> None:
    """Waits until every process has reached this barrier.

    Args:
        place: names the barrier; the same in all processes.
    """
    if processes() == 1:
        return
    # JAX's public barriers are collective operations on the devices, which time out after seconds.
    # This one is private; a test fails if it changes.
    from jax._src.distributed import global_state

    name = f"bert_language_understanding/{next(_barriers)} {place}"
    assert global_state.client is not None  # `distributed` has started it
    global_state.client.wait_at_barrier(name, _WAIT_MS)


@contextmanager
def main_process_first(place: str) -> Iterator[None]:
    """A context that the main process completes before the others enter it.

    The others then find caches and files that the main process has written.

    Args:
        place: names the barrier between them.
    """
    if not is_main_process():
        barrier(place)
    yield
    if is_main_process():
        barrier(place)


def all_reduce_max(number: int) -> int:
    """The highest of the processes' numbers; all processes must call it at the same point."""
    if processes() == 1:
        return number
    import numpy as np
    from jax.experimental import multihost_utils

    return int(multihost_utils.process_allgather(np.int32(number)).max())


def all_reduce_sum(values: Any) -> Any:
    """Sums arrays over TensorFlow's replicas; outside of a replica, returns them unchanged.

    Args:
        values: an array or a list of arrays; entries may be None.
    """
    if keras.backend.backend() != "tensorflow":
        return values
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    if not isinstance(values, Sequence):
        return context.all_reduce(tf.distribute.ReduceOp.SUM, values)
    there = [value for value in values if value is not None]
    sums = iter(context.all_reduce(tf.distribute.ReduceOp.SUM, there))
    return [None if value is None else next(sums) for value in values]


def synchronize(model: keras.Model) -> None:
    """Updates the model's variables during `fit`: with JAX their current values are elsewhere."""
    if keras.backend.backend() == "jax":
        model.jax_state_sync()


def reduction_of_losses() -> Any:
    """The function for a model's `all_reduce_sum` under the open layout, or None."""
    return all_reduce_sum if tf.distribute.has_strategy() else None
