"""Runs the service: from loading the checkpoint to the last answer after SIGTERM."""

import logging
import signal
import socket
from pathlib import Path

import uvicorn

from common.errors import OptionError
from data_util.bucketing import LENGTH_STEP
from serving.app import make_app
from serving.limits import protocol_with_timeout
from serving.options import ServingOptions
from training.prediction import Predictor

logger = logging.getLogger(__name__)

_KEEP_ALIVE_SECONDS = 30


def serve(options: ServingOptions) -> None:
    """Answers requests until SIGTERM or Ctrl-C; requests in flight are still answered.

    Raises:
        CheckpointError: `--ckpt_dir` is not a whole, fine-tuned checkpoint.
        OptionError: the service cannot listen on the address.
    """
    listener = _listen(options)
    with listener:
        predictor = Predictor(Path(options.ckpt_dir), options.threshold)
        logger.info(
            "serving %s: %s, %s (%s), sequences of up to %d tokens",
            options.ckpt_dir,
            predictor.model.backbone.config.backbone,
            predictor.task.name,
            predictor.task.summary(),
            predictor.text.sequence_length,
        )
        warm_up(predictor, min(options.max_batch_size, 8))
        if options.max_batch_size > 1:
            logger.info(
                "up to %d texts go through the model together, after at most %g ms",
                options.max_batch_size,
                options.max_wait_ms,
            )
        _run(predictor, options, listener)
    logger.info("stopped: all requests in flight were answered")


def warm_up(predictor: Predictor, batch_size: int) -> None:
    """Runs each padded length once, so that no request waits for tracing."""
    longest = predictor.text.sequence_length
    for length in (*range(LENGTH_STEP, longest, LENGTH_STEP), longest):
        predictor.batch_outputs([predictor.task.sample(length, predictor.text)] * batch_size)


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()[:2]
            host = f"[{host}]" if ":" in host else host
            logger.info("listening on http://%s:%d  (Ctrl-C ends it)", host, port)


def _run(predictor: Predictor, options: ServingOptions, listener: socket.socket) -> None:
    # Only our own messages, and the stack trace of an internal error.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    config = uvicorn.Config(
        make_app(predictor, options),
        http=protocol_with_timeout(options.read_timeout),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(options.stop_timeout)),
    )
    # uvicorn raises the signal again when it is done; we decide ourselves how to end.
    before = signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        _Server(config).run(sockets=[listener])
    finally:
        signal.signal(signal.SIGTERM, before)


def _listen(options: ServingOptions) -> socket.socket:
    try:
        family = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((options.host, options.port), family=family, backlog=1024)
    except OSError as error:
        raise OptionError(
            f"--host={options.host} --port={options.port}: cannot listen there "
            f"({error.strerror or error}); name another, or --port=0 for any that is free."
        ) from None
    # Connections inherit it; asyncio sets it only on sockets of its own. An answer is sent as a
    # head and a body: without TCP_NODELAY the body would wait until the client acknowledges the
    # head, which takes 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
