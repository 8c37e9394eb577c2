"""The service's addresses, and what each of them answers."""

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import FastAPI, Response
from fastapi.responses import HTMLResponse

from data_util.sentence_pairs import Text
from serving.batching import MicroBatcher
from serving.explain import add_explanation
from serving.failures import ANSWERS, add_handlers
from serving.limits import BodyLimit
from serving.measures import MeasureRequests, Measures
from serving.options import ServingOptions
from serving.schemas import (
    HealthAnswer,
    LabelsAnswer,
    PredictAnswer,
    request_models,
)
from serving.scoring import Scorer

PAGE = Path(__file__).with_name("page.html")


def make_app(scorer: Scorer, options: ServingOptions) -> FastAPI:
    """The service as an ASGI application.

    FastAPI's pages /docs and /redoc are off: they load their scripts from another site. What they
    would show is in /openapi.json.
    """
    batcher = MicroBatcher(
        scorer.logits,
        max_batch_size=options.max_batch_size,
        max_wait=options.max_wait_ms / 1000,
        max_queue=options.max_queue,
        observe=lambda size: measures.batch_size.observe(size),
    )
    measures = Measures(lambda: batcher.waiting)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        batcher.start()
        yield
        await batcher.stop()

    app = FastAPI(
        title="Labels of texts", version="1", docs_url=None, redoc_url=None, lifespan=lifespan
    )
    app.state.batcher = batcher
    add_handlers(app, scorer.takes_pairs)
    app.add_middleware(BodyLimit, max_bytes=options.max_body_bytes, timeout=options.read_timeout)
    app.add_middleware(MeasureRequests, measures=measures)
    _add_endpoints(app, scorer, batcher, measures, options)
    _add_page(app, scorer.takes_pairs)
    return app


def _add_endpoints(
    app: FastAPI,
    scorer: Scorer,
    batcher: MicroBatcher,
    measures: Measures,
    options: ServingOptions,
) -> None:
    classifier = scorer.classifier
    labels = classifier.labels.labels
    requests = request_models(
        max_texts=options.max_texts,
        max_characters=options.max_characters,
        labels=labels,
        takes_pairs=scorer.takes_pairs,
    )

    @app.post(
        "/v1/predict",
        responses=ANSWERS,
        response_model=PredictAnswer,
        response_model_exclude_none=True,
    )
    async def predict(body: requests.predict) -> dict[str, Any]:  # type: ignore[name-defined]
        """Labels a text, or each of several. White space alone gets no label, nor does a pair
        of which one text is white space."""
        inputs = body.input if isinstance(body.input, list) else [body.input]
        texts: list[Text] = [
            (one.text_a, one.text_b) if scorer.takes_pairs else one for one in inputs
        ]
        ids = await asyncio.to_thread(scorer.encode, texts)
        with_text = [row for row, text in enumerate(texts) if _has_text(text)]
        results: list[dict[str, Any]] = [{"labels": []} for _ in texts]
        logits = await batcher.submit([ids[row] for row in with_text])
        measures.texts.inc(len(texts))
        if with_text:
            probabilities = scorer.probabilities(np.stack(logits))
            for row, values in zip(with_text, probabilities, strict=True):
                results[row] = scorer.result(values, body.top_k)
        return {"results": results}

    add_explanation(app, scorer, batcher, options, requests.explain)

    @app.get("/v1/labels", response_model=LabelsAnswer)
    async def known_labels() -> dict[str, Any]:
        """The labels and their thresholds, in the order of labels.txt."""
        pairs = zip(labels, classifier.thresholds, strict=True)
        return {
            "task": classifier.model.task,
            "labels": [{"label": name, "threshold": float(value)} for name, value in pairs],
        }

    @app.get("/healthz", response_model=HealthAnswer)
    async def health() -> dict[str, str]:
        """Whether the service is there."""
        return {"status": "ok"}

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(measures.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _has_text(text: Text) -> bool:
    return all(part.strip() for part in ((text,) if isinstance(text, str) else text))


def _add_page(app: FastAPI, takes_pairs: bool) -> None:
    page = PAGE.read_text(encoding="utf-8")
    if takes_pairs:
        page = page.replace('<body data-texts="1">', '<body data-texts="2">')
    headers = {
        "Content-Security-Policy": _policy(page),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }

    @app.get("/", include_in_schema=False)
    async def form() -> HTMLResponse:
        return HTMLResponse(page, headers=headers)


def _policy(page: str) -> str:
    """Lets the browser run the page's own script and style and nothing else."""

    def hashes(tag: str) -> str:
        contents = re.findall(rf"<{tag}>(.*?)</{tag}>", page, flags=re.DOTALL)
        digests = [hashlib.sha256(content.encode()).digest() for content in contents]
        return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)

    return (
        f"default-src 'none'; script-src {hashes('script')}; style-src {hashes('style')}; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
