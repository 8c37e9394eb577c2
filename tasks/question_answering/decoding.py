"""From the scores of starts and ends to answers, and how probable each of them is.

With S and E, the scores of starts and ends in one window, the answer from token i to token j has
the score `S_i + E_j`, and that there is none has `S_0 + E_0`, that of [CLS] (Devlin et al. 2019,
section 4.3, https://arxiv.org/abs/1810.04805). Their difference is the log-odds of the answer,
given that it is this one or none. Scores of different windows cannot be compared, because each
window has a softmax of its own; the log-odds can. If at most one window has an answer, then

    p(i, j) = exp(log-odds of (i, j)) / (1 + sum of exp(log-odds) over all answers of all windows)

and none has `1 / (1 + the sum)`. In the overlap of windows an answer belongs to the window in which
there is more around its first token, so that none counts twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.log_sum_exp import log_sum_exp
from tasks.question_answering.encoded import EncodedQuestion


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible answer.

    Attributes:
        first, last: its first and its last token in the passage.
        log_odds: against there being none.
        probability: among all answers and none.
    """

    first: int
    last: int
    log_odds: float
    probability: float


@dataclass(frozen=True, slots=True)
class Decoded:
    """The answers to a question.

    Attributes:
        candidates: the most probable answers, the best first; () if there cannot be one.
        none: the probability that there is none.
    """

    candidates: Sequence[Candidate]
    none: float

    @property
    def log_odds(self) -> float:
        """Of the best answer against none."""
        return self.candidates[0].log_odds if self.candidates else -np.inf


def decode(
    encoded: EncodedQuestion, outputs: np.ndarray, max_answer_tokens: int, num_best: int
) -> Decoded:
    """Finds the best answers.

    Args:
        encoded: the question.
        outputs: (its windows, length, 2) float, the scores of starts and ends.
        max_answer_tokens: of the longest answer.
        num_best: the most answers to return.
    """
    found: list[tuple[float, int, int]] = []
    totals = [0.0]  # the log-odds of none
    for number, (start, end) in enumerate(encoded.windows):
        scores = np.asarray(outputs[number], np.float64)
        tokens = slice(encoded.offset, encoded.offset + end - start)
        own = encoded.owners[start:end] == number
        log_odds = span_scores(scores[tokens], own, max_answer_tokens) - scores[0].sum()
        if not np.isfinite(log_odds).any():
            continue
        totals.append(float(log_sum_exp(log_odds, axis=None)))
        flat = log_odds.ravel()
        kept = min(num_best, flat.size)
        best = np.argpartition(-flat, kept - 1)[:kept]
        for place in best[np.isfinite(flat[best])].tolist():
            length, first = divmod(place, end - start)
            found.append((float(flat[place]), start + first, start + first + length))
    found.sort(key=lambda each: (-each[0], each[1:]))
    total = float(log_sum_exp(np.array(totals)))
    candidates = [
        Candidate(first, last, log_odds, float(np.exp(log_odds - total)))
        for log_odds, first, last in found[:num_best]
    ]
    return Decoded(candidates, float(np.exp(-total)))


def span_scores(scores: np.ndarray, own: np.ndarray, max_answer_tokens: int) -> np.ndarray:
    """The scores of all answers in a window.

    Args:
        scores: (tokens, 2) float, of starts and ends.
        own: (tokens,) bool, where an answer may begin.
        max_answer_tokens: of the longest answer.

    Returns:
        (lengths, tokens): at `[l, i]` of the answer of l + 1 tokens that begins at token i;
        minus infinity where there is none.
    """
    count = len(scores)
    found = np.full((min(max_answer_tokens, count), count), -np.inf)
    for length in range(len(found)):
        sums = scores[: count - length, 0] + scores[length:, 1]
        found[length, : count - length] = np.where(own[: count - length], sums, -np.inf)
    return found


def result_of(
    encoded: EncodedQuestion, decoded: Decoded, null_threshold: float | None, top_k: int = 0
) -> dict[str, Any]:
    """The result of a question, as JSON has it: see `tasks.question_answering.result`.

    Args:
        encoded: the question.
        decoded: its answers.
        null_threshold: an answer is given from these log-odds on; None: always.
        top_k: how many of the most probable ones to add as "top", none among them.
    """
    none = _entry(encoded, None, decoded.none)
    entries = [_entry(encoded, each, each.probability) for each in decoded.candidates]
    result = entries[0] if entries and is_answered(decoded, null_threshold) else none
    if not top_k:
        return result
    ranked = sorted([*entries, none], key=lambda entry: -entry["probability"])
    return {**result, "top": ranked[:top_k]}


def is_answered(decoded: Decoded, null_threshold: float | None) -> bool:
    """Whether the best answer is given, rather than none."""
    if not decoded.candidates:
        return False
    return null_threshold is None or decoded.log_odds >= null_threshold


def _entry(
    encoded: EncodedQuestion, candidate: Candidate | None, probability: float
) -> dict[str, Any]:
    rounded = round(probability, 6)
    if candidate is None:
        return {"answer": None, "start": None, "end": None, "probability": rounded}
    start, end = encoded.characters_of(candidate.first, candidate.last)
    return {
        "answer": encoded.text[start:end],
        "start": start,
        "end": end,
        "probability": rounded,
    }
