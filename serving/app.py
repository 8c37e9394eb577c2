"""The endpoints of the service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse

from serving.batching import STOP_SECONDS, MicroBatcher
from serving.errors import ANSWERS, add_handlers
from serving.explain_endpoint import add_explanation
from serving.large_requests import LargeRequests
from serving.limits import AllowedHosts, BodyLimit, TimeLimit
from serving.metrics import MeasureRequests, Measures
from serving.model_endpoint import add_model
from serving.options import ServingOptions
from serving.page.document import add_page
from serving.records import records_of
from serving.schemas import HealthAnswer, LabelsAnswer, predict_answer, request_models
from serving.worker import Worker
from training.predictor import TaskPredictor


def make_app(predictor: TaskPredictor, options: ServingOptions) -> FastAPI:
    """Makes the service, an ASGI application.

    FastAPI's pages /docs and /redoc are off, because they load their scripts from another site.
    /openapi.json has the same content.
    """
    batcher = MicroBatcher(
        predictor.batch_outputs,
        max_batch_size=options.max_batch_size,
        max_wait=options.max_wait_ms / 1000,
        max_queue=options.max_queue,
        observe=lambda size: measures.batch_size.observe(size),
    )
    encoder = Worker("tokenizer")
    large = LargeRequests(options.request_timeout)
    measures = Measures(lambda: batcher.waiting)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        batcher.start()
        yield
        stops = (batcher.stop(), encoder.stop(STOP_SECONDS))
        app.state.idle = all(await asyncio.gather(*stops))

    app = FastAPI(
        title="Labels of texts", version="1", docs_url=None, redoc_url=None, lifespan=lifespan
    )
    app.state.batcher = batcher
    app.state.idle = True  # whether no thread was left behind at the end
    add_handlers(app, tuple(predictor.task.fields))
    app.add_middleware(TimeLimit, timeout=options.request_timeout)
    app.add_middleware(
        BodyLimit, max_bytes=options.max_body_bytes, timeout=options.read_timeout, large=large
    )
    if options.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=options.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Content-Type"],
        )
    app.add_middleware(AllowedHosts, hosts=options.hosts())
    app.add_middleware(MeasureRequests, measures=measures)
    _add_endpoints(app, predictor, batcher, encoder, large, measures, options)
    add_page(app, predictor.task)
    return app


def _add_endpoints(
    app: FastAPI,
    predictor: TaskPredictor,
    batcher: MicroBatcher,
    encoder: Worker,
    large: LargeRequests,
    measures: Measures,
    options: ServingOptions,
) -> None:
    task = predictor.task
    requests = request_models(
        task.fields,
        max_texts=options.max_texts,
        max_characters=options.max_characters,
        labels=task.labels if task.explains else (),
        defaults=task.defaults,
    )

    @app.post("/v1/predict", responses=ANSWERS, response_model=predict_answer(task.result_type))
    async def predict(body: requests.predict) -> Response:  # type: ignore[name-defined]
        """The result of an input, or of each of several. White space has an empty result."""
        records = records_of(task, requests, body.input)
        given = [index for index, record in enumerate(records) if not task.is_empty(record)]
        with batcher.room_for(len(given)):
            chosen = [records[index] for index in given]
            encoded = await large.in_pieces(encoder, predictor.encode, chosen, task.values)
            outputs = await batcher.submit(encoded)
        measures.texts.inc(len(records))
        results = [task.empty_result() for _ in records]
        for index, result in zip(given, task.results(encoded, outputs, body.top_k), strict=True):
            results[index] = result
        # As it is: a null that the task has put there says something, one by default nothing.
        return JSONResponse({"results": results})

    add_model(app, predictor, options)
    if task.explains:
        add_explanation(app, predictor, batcher, encoder, options, requests)

    @app.get("/v1/labels", response_model=LabelsAnswer, response_model_exclude_none=True)
    async def known_labels() -> dict[str, Any]:
        """The task and its labels with their thresholds, in the order of labels.txt."""
        return {"task": task.name, "labels": task.known_labels()}

    @app.head("/healthz", include_in_schema=False)
    @app.get("/healthz", response_model=HealthAnswer)
    async def health() -> dict[str, str]:
        """Whether the service is up."""
        return {"status": "ok"}

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(measures.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
