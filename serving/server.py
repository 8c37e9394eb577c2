"""Runs the service: from loading the checkpoint to the last answer after SIGTERM."""

import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable

import uvicorn

from common.errors import OptionError
from data_util.bucketing import LENGTH_STEP
from serving.app import make_app
from serving.connections import BACKLOG, WAITING, limited_protocol, possible_connections
from serving.options import ServingOptions
from training.predictor import TaskPredictor

logger = logging.getLogger(__name__)

_KEEP_ALIVE_SECONDS = 30
_SEND_BUFFER = 1 << 17
# Of --stop_timeout, what is left for ending when no answer is awaited any more.
_ENDING_SECONDS = 2
_TEXT = "第一个文本"


def serve(options: ServingOptions, load: Callable[[ServingOptions], TaskPredictor]) -> None:
    """Answers requests until SIGTERM or Ctrl-C; requests in flight are still answered.

    Args:
        options: of the command.
        load: gives the model that the options name.

    Raises:
        UserError: the model cannot be loaded.
        OptionError: the service cannot listen on the address.
    """
    listener = _listen(options)
    with listener:
        predictor = load(options)
        logger.info(
            "serving %s: %s, %s (%s), sequences of up to %d tokens",
            predictor.checkpoint.folder,
            predictor.checkpoint.setting("backbone", dict)["backbone"],
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
        set_aside()
        idle = _run(predictor, options, listener)
    if idle:
        logger.info("stopped: all requests in flight were answered")
    else:
        logger.warning("stopped; work that did not end in time was left behind")
    # A thread that is in the middle of TensorFlow's code cannot be ended in another way, and to
    # tidy up the memory of a process that ends takes the libraries seconds.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def set_aside() -> None:
    """Tells Python that what there is now never becomes garbage.

    The libraries and the model are 400,000 objects. To look through them takes 0.3 s, or 1 s beside
    other threads, during which nobody is answered; every large request makes Python do it.
    """
    gc.collect()
    gc.freeze()


def warm_up(predictor: TaskPredictor, batch_size: int) -> None:
    """Runs each padded length, and each step from text to result, once.

    So no request waits for tracing, or for the dictionary of the tokenizer to be read.
    """
    task = predictor.task
    plain = {name: _TEXT if kind is str else [_TEXT] for name, kind in task.fields.items()}
    # The task's own examples: not every text makes a record of every checkpoint.
    records = list(map(task.record, task.examples(chinese=True) or [plain]))
    predictor.predict(records, top_k=1)
    if task.explains:
        task.spans(records[0], predictor.text.tokenizer)
    longest = predictor.text.sequence_length
    for length in (*range(LENGTH_STEP, longest, LENGTH_STEP), longest):
        predictor.batch_outputs([task.sample(length, predictor.text)] * batch_size)


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            sockets[0].listen(WAITING)  # asyncio has said `BACKLOG`, which it also accepts at once.
            host, port = sockets[0].getsockname()[:2]
            host = f"[{host}]" if ":" in host else host
            logger.info("listening on http://%s:%d  (Ctrl-C ends it)", host, port)


def _run(predictor: TaskPredictor, options: ServingOptions, listener: socket.socket) -> bool:
    """Serves until a signal; returns whether all work has ended."""
    # Only our own messages, and the stack trace of an internal error.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    app = make_app(predictor, options)
    config = uvicorn.Config(
        app,
        http=limited_protocol(options.read_timeout, possible_connections(options.max_connections)),
        backlog=BACKLOG,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(options.stop_timeout) - _ENDING_SECONDS),
    )
    # uvicorn raises the signal again when it is done; we decide ourselves how to end.
    before = signal.signal(signal.SIGTERM, lambda number, frame: None)
    server = _Server(config)
    number = getattr(signal, "SIGHUP", None)  # Windows has none.
    hangup = None if number is None else signal.getsignal(number)
    if number is not None and hangup == signal.SIG_DFL:  # Not after `nohup`.
        # The end of the terminal is answered as SIGTERM is, which uvicorn does not do itself.
        signal.signal(number, server.handle_exit)
    try:
        server.run(sockets=[listener])
    finally:
        signal.signal(signal.SIGTERM, before)
        if number is not None:
            signal.signal(number, hangup)
    return bool(app.state.idle)


def _listen(options: ServingOptions) -> socket.socket:
    try:
        family = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server(
            (options.host, options.port), family=family, backlog=BACKLOG
        )
    except OSError as error:
        raise OptionError(
            f"--host={options.host} --port={options.port}: cannot listen there "
            f"({error.strerror or error}); name another, or --port=0 for any that is free."
        ) from None
    # Connections inherit it; asyncio sets it only on sockets of its own. An answer is sent as a
    # head and a body: without TCP_NODELAY the body would wait until the client acknowledges the
    # head, which takes 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Otherwise the system takes up to 4 MB of answers for each client that does not read them.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    return listener
