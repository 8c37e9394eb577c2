"""The endpoint that shows which characters support a label."""

from typing import Any

import numpy as np
from fastapi import FastAPI

from serving.batching import MicroBatcher
from serving.errors import ANSWERS
from serving.occlusion import MAX_PARTS, parts_of, shares_of
from serving.options import ServingOptions
from serving.schemas import RequestModels, explain_answer
from serving.worker import Worker
from training.prediction import Predictor


def add_explanation(
    app: FastAPI,
    predictor: Predictor,
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
        record = task.record(requests.values(body.input))
        # One slot in the queue is for the record itself.
        most = max(len(requests.fields), min(MAX_PARTS, options.max_queue - 1))
        with batcher.room_for(min(1 + most, options.max_queue)):
            (encoded,), spans = await encoder.run(
                lambda: (predictor.encode([record]), task.spans(record, text.tokenizer))
            )
            lengths = task.read_lengths([len(each) for each in encoded], text)
            encoded = tuple(each[:length] for each, length in zip(encoded, lengths, strict=True))
            spans = [each[:length] for each, length in zip(spans, lengths, strict=True)]
            shares = shares_of(lengths, most)
            parts = [parts_of(each, share) for each, share in zip(spans, shares, strict=True)]
            variants = [encoded]
            for index, its_parts in enumerate(parts):
                for part in its_parts:
                    variant = encoded[index].cover(part.first, part.last, text.vocabulary.mask_id)
                    variants.append((*encoded[:index], variant, *encoded[index + 1 :]))
            outputs = np.concatenate(await batcher.submit(variants))
        probabilities = np.asarray(task.probabilities(outputs[:1]))[0]
        label = task.labels.index(body.label) if body.label else int(probabilities.argmax())
        odds = task.log_odds(outputs, label)
        drops = iter(odds[0] - odds[1:])
        explained = [
            {
                "characters_read": its_spans[-1][1] if its_spans else 0,
                "parts": [
                    {
                        "start": part.start,
                        "end": part.end,
                        "importance": round(float(next(drops)), 6),
                    }
                    for part in its_parts
                ],
            }
            for its_spans, its_parts in zip(spans, parts, strict=True)
        ]
        found = {
            "label": task.labels[label],
            "probability": round(float(probabilities[label]), 6),
        }
        if len(explained) == 1:
            return {**found, **explained[0]}
        return {**found, **dict(zip(requests.fields, explained, strict=True))}
