"""One batch over several devices: which there are, who writes, and sums over all of them.

`distributed` opens the layout that the options name; the other functions ask what is open, as
`tf.distribute.get_strategy` and `keras.distribution.distribution` do. With neither open there is
one device and one process, and each of them is the plain thing.

- "mirrored": TensorFlow's `MirroredStrategy`, one process with a replica of the model on each of
  its devices. A replica sees its rows alone, so sums over the batch are asked for
  (`all_reduce_sum`).
- "data_parallel": JAX, several processes. Each feeds its own rows; the step is compiled for the
  whole batch, and its sums are over the whole batch by themselves.
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
# Processes read text before they meet: one may have to wait for another's hours of it.
_WAIT_MS = 24 * 3600 * 1000


@contextmanager
def distributed(options: DistributionOptions, *, batch_size: int) -> Iterator[None]:
    """Runs what is within it on the devices that the options name.

    Everything of Keras is to be made within it: the model, the optimizer, the metrics.

    Args:
        options: the layout.
        batch_size: rows of a whole batch.

    Raises:
        OptionError: the options cannot be met here.
    """
    if options.distribute == "none":
        yield
    elif options.distribute == "mirrored":
        if keras.backend.backend() != "tensorflow":
            raise OptionError(
                "--distribute=mirrored needs the TensorFlow backend, and KERAS_BACKEND is "
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
    # One a process: a second would number its sums over devices from the start again, and
    # TensorFlow would take them for those of the first.
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
            # One process speaks for all.
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
            f"--batch_size={batch_size}: there are {devices} devices, and each needs a row."
        )
    logger.info("batches of %d over %d devices, %d processes", batch_size, devices, processes())


def replicas() -> int:
    """How many devices share each batch."""
    layout = keras.distribution.distribution()
    if layout is not None:
        return layout.num_model_replicas
    return tf.distribute.get_strategy().num_replicas_in_sync


def is_distributed() -> bool:
    """Whether a layout is open (it may have one device)."""
    return tf.distribute.has_strategy() or keras.distribution.distribution() is not None


def processes() -> int:
    """How many processes train together."""
    if keras.backend.backend() != "jax":
        return 1
    import jax

    return jax.process_count()


def process() -> int:
    """This one's number, from 0."""
    if processes() == 1:
        return 0
    import jax

    return jax.process_index()


def is_main_process() -> bool:
    """Whether this is the process that writes checkpoints, logs and curves."""
    return process() == 0


def barrier(place: str) -> None:
    """Waits until every process has reached the same `place`."""
    if processes() == 1:
        return
    # JAX's public ways to wait are sums over devices, which give up after seconds. A test fails if
    # this one changes.
    from jax._src.distributed import global_state

    name = f"bert_language_understanding/{next(_barriers)} {place}"
    assert global_state.client is not None  # `distributed` has started it
    global_state.client.wait_at_barrier(name, _WAIT_MS)


@contextmanager
def main_process_first(place: str) -> Iterator[None]:
    """Lets the main process do what is within before the others, which may find it done."""
    if not is_main_process():
        barrier(place)
    yield
    if is_main_process():
        barrier(place)


def all_reduce_max(number: int) -> int:
    """The highest of the processes' numbers; all call it at the same place."""
    if processes() == 1:
        return number
    import numpy as np
    from jax.experimental import multihost_utils

    return int(multihost_utils.process_allgather(np.int32(number)).max())


def all_reduce_sum(values: Any) -> Any:
    """Adds up arrays over the replicas, called in each; elsewhere gives them as they are.

    Args:
        values: an array or a list of arrays; an entry may be None.
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
    """Gives the model's variables their values in the midst of `fit`, where JAX has them apart."""
    if keras.backend.backend() == "jax":
        model.jax_state_sync()


def reduction_of_losses() -> Any:
    """What a model's `all_reduce_sum` has to be under the layout that is open."""
    return all_reduce_sum if tf.distribute.has_strategy() else None
