"""Beam search: the most probable sequences that a bounded search finds."""

from dataclasses import dataclass

import numpy as np

from models.generation.base import Generated, Step
from models.generation.scores import allowed, log_softmax
from models.generation.settings import GenerationSettings

# The score of what is not there; finite, so that sums with it can be compared.
_NONE = -1e9


@dataclass
class _Candidates:
    """The best continuations of each prompt's sequences, the best first.

    Attributes:
        totals: (prompts, candidates) float32 log-probabilities.
        sequences: (prompts, candidates, tokens) int32.
        beams: (prompts, candidates) int64, which of the sequences each continues.
        ended: (prompts, candidates) bool.
    """

    totals: np.ndarray
    sequences: np.ndarray
    beams: np.ndarray
    ended: np.ndarray


def beam_search(
    step: Step, prompts: np.ndarray, settings: GenerationSettings
) -> list[list[Generated]]:
    """Generates sequences for each prompt.

    In each step the `num_beams` most probable sequences that have not ended are continued. One that
    ends is kept if it is among the `num_beams` best continuations of that step. A prompt is done
    when it has `num_beams` such sequences and no running one has a better score at its present
    length, as transformers' `generate(early_stopping=False)` has it; then it is not computed
    further.

    Args:
        step: the model.
        prompts: (rows, tokens) int32, at least one token each.
        settings: nothing is drawn.

    Returns:
        For each prompt its sequences by falling score, at least one and at most `num_beams`.

    References:
        Wu et al. 2016, section 7 (https://arxiv.org/abs/1609.08144), with another penalty.
    """
    beams, prompt_length = settings.num_beams, prompts.shape[1]
    sequences = np.repeat(prompts.astype(np.int32)[:, None], beams, axis=1)
    # All beams of a prompt are equal at first: only the first one counts.
    totals = np.full((len(prompts), beams), _NONE, np.float32)
    totals[:, 0] = 0
    parents = np.repeat(np.arange(len(prompts)), beams)
    running = np.arange(len(prompts))
    found: list[list[Generated]] = [[] for _ in prompts]
    while len(running):
        best = _continuations(step, sequences, totals, parents, settings)
        length = best.sequences.shape[2] - prompt_length
        last = length >= settings.max_length
        for index, prompt in enumerate(running):
            ending = best.ended[index, :beams] | last
            possible = best.totals[index, :beams] > _NONE / 2
            possible[0] = True  # There is always one.
            for place in np.flatnonzero(ending & possible).tolist():
                found[prompt].append(_generated(best, index, place, prompt_length, settings))
            # Stable: of two equal ones, the earlier stays before the later.
            found[prompt] = sorted(found[prompt], key=lambda each: -each.score)[:beams]
        if last:
            break
        order = np.argsort(np.where(best.ended, 1, 0), axis=1, kind="stable")[:, :beams]
        totals = np.take_along_axis(best.totals, order, axis=1)
        highest = totals[:, 0] / length**settings.length_penalty
        open_prompts = np.array(
            [
                len(found[prompt]) < beams or best_score > found[prompt][-1].score
                for prompt, best_score in zip(running, highest, strict=True)
            ]
        )
        kept = np.flatnonzero(open_prompts)
        sequences = np.take_along_axis(best.sequences, order[:, :, None], axis=1)[kept]
        parents = np.take_along_axis(best.beams, order, axis=1)[kept]
        parents = (parents + kept[:, None] * beams).reshape(-1)
        totals, running = totals[kept], running[kept]
    return found


def _continuations(
    step: Step,
    sequences: np.ndarray,
    totals: np.ndarray,
    parents: np.ndarray,
    settings: GenerationSettings,
) -> _Candidates:
    """The `2 num_beams` best continuations: `num_beams` of them have not ended."""
    prompts, beams, tokens = sequences.shape
    flat = sequences.reshape(-1, tokens)
    scores = allowed(log_softmax(step(flat, parents)), flat, settings)
    vocab_size = scores.shape[1]
    scores = (scores.reshape(prompts, beams, -1) + totals[:, :, None]).reshape(prompts, -1)
    count = min(2 * beams, scores.shape[1])
    highest = np.argpartition(-scores, count - 1, axis=1)[:, :count]
    falling = np.argsort(-np.take_along_axis(scores, highest, axis=1), axis=1, kind="stable")
    highest = np.take_along_axis(highest, falling, axis=1)
    from_beams, next_ids = highest // vocab_size, (highest % vocab_size).astype(np.int32)
    continued = np.take_along_axis(sequences, from_beams[:, :, None], axis=1)
    ended = np.zeros(next_ids.shape, bool)
    if settings.eos_id is not None:
        ended = next_ids == settings.eos_id
    return _Candidates(
        totals=np.take_along_axis(scores, highest, axis=1),
        sequences=np.concatenate([continued, next_ids[:, :, None]], axis=2),
        beams=from_beams,
        ended=ended,
    )


def _generated(
    best: _Candidates, index: int, place: int, prompt_length: int, settings: GenerationSettings
) -> Generated:
    ids, ended = best.sequences[index, place, prompt_length:], bool(best.ended[index, place])
    total = float(best.totals[index, place])
    return Generated(
        ids=ids[: len(ids) - int(ended)],
        log_probability=total,
        length=len(ids),
        score=total / len(ids) ** settings.length_penalty,
        finished=ended,
    )
