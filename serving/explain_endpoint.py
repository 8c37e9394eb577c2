"""The endpoint that shows which characters support a label."""

from typing import Any

import numpy as np
from fastapi import FastAPI

from serving.batching import MicroBatcher
from serving.errors import ANSWERS
from serving.options import ServingOptions
from serving.records import records_of
from serving.schemas import RequestModels, explain_answer
from serving.worker import Worker
from training.occlusion import MAX_PARTS, explanation, occlude
from training.predictor import TaskPredictor


def add_explanation(
    app: FastAPI,
    predictor: TaskPredictor,
    batcher: MicroBatcher,
    encoder: Worker,
    options: ServingOptions,
    requests: RequestModels,
) -> None:
    """Adds /v1/explain, which explains each text of an input separately."""
    task, text = predictor.task, predictor.text
    answer = explain_answer(requests.fields)

    @app.post("/v1/explain", responses=ANSWERS, response_model=answer)
    async def explain(body: requests.explain) -> dict[str, Any]:  # type: ignore[name-defined]
        """Which characters support a label: those without which it becomes less likely."""
        (record,) = records_of(task, requests, body.input)
        # One slot in the queue is for the record itself.
        most = max(len(requests.fields), min(MAX_PARTS, options.max_queue - 1))
        with batcher.room_for(min(1 + most, options.max_queue)):
            occlusion = await encoder.run(occlude, record, task, text, most)
            outputs = np.concatenate(await batcher.submit(occlusion.variants))
        return explanation(occlusion, outputs, task, body.label)
