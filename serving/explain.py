"""The address that says which characters speak for a label."""

import asyncio
from typing import Any

import numpy as np
from fastapi import FastAPI

from data_util.sentence_pairs import Text
from serving.batching import MicroBatcher
from serving.explanation import MAX_PARTS, covered, kept_lengths, log_odds, parts_of, shares_of
from serving.failures import ANSWERS
from serving.options import ServingOptions
from serving.schemas import ExplainAnswer, ExplainPairAnswer
from serving.scoring import Scorer


def add_explanation(
    app: FastAPI, scorer: Scorer, batcher: MicroBatcher, options: ServingOptions, request: Any
) -> None:
    """Adds /v1/explain, whose answer to a pair has an explanation of each text."""
    classifier = scorer.classifier
    labels = classifier.labels.labels
    answer = ExplainPairAnswer if scorer.takes_pairs else ExplainAnswer

    @app.post("/v1/explain", responses=ANSWERS, response_model=answer)
    async def explain(body: request) -> dict[str, Any]:  # type: ignore[valid-type]
        """Which characters speak for a label: those whose covering makes it less likely."""
        one = body.input
        text: Text = (one.text_a, one.text_b) if scorer.takes_pairs else one
        (ids,), spans = await asyncio.to_thread(
            lambda: (scorer.encode([text]), _spans(scorer, text))
        )
        lengths = kept_lengths([len(each) for each in ids], scorer.max_tokens)
        ids = tuple(each[:length] for each, length in zip(ids, lengths, strict=True))
        spans = [each[:length] for each, length in zip(spans, lengths, strict=True)]
        # One place in the queue is for the text itself.
        shares = shares_of(lengths, max(len(ids), min(MAX_PARTS, options.max_queue - 1)))
        parts = [parts_of(each, share) for each, share in zip(spans, shares, strict=True)]
        rows = [ids]
        for place, its_parts in enumerate(parts):
            for row in covered(ids[place], its_parts, classifier.vocabulary.mask_id):
                rows.append((*ids[:place], row, *ids[place + 1 :]))
        logits = np.stack(await batcher.submit(rows))
        probabilities = scorer.probabilities(logits[:1])[0]
        label = labels.index(body.label) if body.label else int(probabilities.argmax())
        odds = log_odds(logits, label, classifier.model.task)
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
        found = {"label": labels[label], "probability": round(float(probabilities[label]), 6)}
        if scorer.takes_pairs:
            return {**found, "text_a": explained[0], "text_b": explained[1]}
        return {**found, **explained[0]}


def _spans(scorer: Scorer, text: Text) -> list[list[tuple[int, int]]]:
    """Where the tokens of a text, or of each text of a pair, are."""
    texts = (text,) if isinstance(text, str) else text
    return [scorer.classifier.tokenizer.spans(each) for each in texts]
