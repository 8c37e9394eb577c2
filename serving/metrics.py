"""The metrics of the service, for Prometheus."""

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATHS = (
    "/",
    "/healthz",
    "/metrics",
    "/openapi.json",
    "/v1/explain",
    "/v1/labels",
    "/v1/model",
    "/v1/predict",
)
_CLIENT_LEFT = 499  # nothing was answered because nobody waited; nginx's number
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Measures:
    """Counters of one service.

    Args:
        waiting: returns the number of texts in the queue.
    """

    def __init__(self, waiting: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "requests", "Requests answered", ["path", "status"], registry=self._registry
        )
        self.seconds = Histogram(
            "request_seconds",
            "Time from the first byte of a request to its answer",
            ["path"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.texts = Counter("texts", "Texts labelled", registry=self._registry)
        self.batch_size = Histogram(
            "batch_size", "Texts that went through the model together", buckets=_SIZES,
            registry=self._registry,
        )  # fmt: skip
        Gauge("texts_waiting", "Texts in the queue", registry=self._registry).set_function(waiting)

    def text(self) -> bytes:
        """All counters in Prometheus' text format."""
        return generate_latest(self._registry)


class MeasureRequests:
    """Counts and times every request.

    Args:
        app: the application behind it.
        measures: the counters.
    """

    def __init__(self, app: ASGIApp, *, measures: Measures) -> None:
        self.app = app
        self._measures = measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # Not the requested path: anybody could make up any number of paths.
        path = scope["path"] if scope["path"] in PATHS else "other"
        began, status = time.perf_counter(), _CLIENT_LEFT

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, note)
        except Exception:
            status = 500
            raise
        finally:
            self._measures.requests.labels(path, str(status)).inc()
            self._measures.seconds.labels(path).observe(time.perf_counter() - began)
