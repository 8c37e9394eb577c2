"""Exact match and F1 of answers, by the rules of SQuAD and of CMRC."""

import re
import string
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)
# Those of cmrc2018_evaluate.py.
_CMRC_PUNCTUATION = str.maketrans("", "", "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
_CHINESE = re.compile("[\u4e00-\u9fa5]")
# CMRC's script gives runs of other characters to nltk's word_tokenize, which cuts punctuation off,
# but not from within numbers.
_WORD = r"[^\W\u4e00-\u9fa5]+"
_CMRC_TOKENS = re.compile(rf"[\u4e00-\u9fa5]|{_WORD}(?:[.,]{_WORD})*|[^\w\s]")

Compare = Callable[[str, str], tuple[float, float]]


def english(answer: str, truth: str) -> tuple[float, float]:
    """Exact match and F1 by SQuAD's rules: words, lower-cased, without punctuation and articles.

        >>> english("the red car", "A red, old car")
        (0.0, 0.8)

    References:
        Rajpurkar et al. 2016, section 6.1 (https://arxiv.org/abs/1606.05250), `evaluate-v2.0.py`.
    """
    one, other = _english_words(answer), _english_words(truth)
    exact = float(one == other)
    if not one or not other:
        return exact, exact
    common = (Counter(one) & Counter(other)).total()
    return exact, 2 * common / (len(one) + len(other))


def chinese(answer: str, truth: str) -> tuple[float, float]:
    """Exact match and F1 by CMRC's rules: the longest common substring, without punctuation.

    Chinese characters are tokens, and so is each run of other letters and digits.

        >>> chinese("生活费800元", "800元。")
        (0.0, 0.5714285714285714)

    References:
        Cui et al. 2019 (https://arxiv.org/abs/1810.07366), `cmrc2018_evaluate.py`.
    """
    exact = float(_without_punctuation(answer) == _without_punctuation(truth))
    first, second = _chinese_tokens(answer), _chinese_tokens(truth)
    if not first or not second:
        return exact, exact
    return exact, 2 * _longest_common_run(first, second) / (len(first) + len(second))


def rules_of(texts: Iterable[str]) -> str:
    """The rules for these texts: "chinese" if more than a third of them have Chinese characters."""
    found = [_CHINESE.search(text) is not None for text in texts]
    return "chinese" if 3 * sum(found) > len(found) else "english"


def score(answer: str | None, truths: Sequence[str], rules: str) -> tuple[float, float]:
    """Exact match and F1 of an answer, the best over all right ones.

    Args:
        answer: None where none was given.
        truths: the right answers; empty if no answer is right.
        rules: a key of `COMPARE`.

    Returns:
        Both from 0 to 1. Where one side has no answer, or one without a token, both are 1 if the
        other has none, too.
    """
    compare, tokens = COMPARE[rules]
    counted = [truth for truth in truths if tokens(truth)] or [""]
    found = [compare(answer or "", truth) for truth in counted]
    return max(exact for exact, _ in found), max(f1 for _, f1 in found)


def answer_metrics(
    exact: Sequence[float] | np.ndarray,
    f1: Sequence[float] | np.ndarray,
    answerable: Sequence[bool] | np.ndarray,
) -> dict[str, float]:
    """The means over all questions, over those that have an answer, and over those without one.

    Args:
        exact, f1: (questions,) of each.
        answerable: (questions,) whether it has an answer.

    Returns:
        "f1", "exact_match" and, if there are questions of both kinds, "answerable_f1",
        "answerable_exact_match" and "unanswerable_accuracy".
    """
    exact, f1 = np.asarray(exact, float), np.asarray(f1, float)
    answerable = np.asarray(answerable, bool)
    metrics = {"f1": float(f1.mean()), "exact_match": float(exact.mean())}
    if answerable.any() and not answerable.all():
        metrics["answerable_f1"] = float(f1[answerable].mean())
        metrics["answerable_exact_match"] = float(exact[answerable].mean())
        metrics["unanswerable_accuracy"] = float(f1[~answerable].mean())
    return metrics


def best_null_threshold(
    log_odds: np.ndarray, f1: np.ndarray, answerable: np.ndarray
) -> tuple[float, float]:
    """The log-odds from which an answer is given, so that the mean F1 is the highest.

    Args:
        log_odds: (questions,) float, of the best answer against none; minus infinity where there
            cannot be one.
        f1: (questions,) float, of the best answers.
        answerable: (questions,) bool, whether there is an answer: no answer has an F1 of 1 where
            there is none.

    Returns:
        The threshold, in the middle between two questions, and the mean F1 with it. Of several
        that are as good, the one with which more answers are given.
    """
    order = np.argsort(-log_odds, kind="stable")
    ordered = log_odds[order]
    gains = np.where(answerable[order], f1[order], -1.0)
    # The gain of answering the first n questions, and none other.
    total = np.concatenate([[0.0], np.cumsum(gains)])
    # Questions of equal log-odds are answered together; where there cannot be one, none is given.
    finite = int(np.isfinite(ordered).sum())
    possible = [0, *(n for n in range(1, finite + 1) if n == finite or ordered[n - 1] > ordered[n])]
    best = max(possible, key=lambda n: (total[n], n))
    mean = float((total[best] + (~answerable).sum()) / max(1, len(f1)))
    if not finite:
        return 0.0, mean
    if best == 0:
        return float(ordered[0] + 1), mean
    if best == finite:
        return float(ordered[finite - 1] - 1), mean
    return float((ordered[best - 1] + ordered[best]) / 2), mean


def _english_words(text: str) -> list[str]:
    return _ARTICLES.sub(" ", text.lower().translate(_ASCII_PUNCTUATION)).split()


def _without_punctuation(text: str) -> str:
    return text.lower().strip().translate(_CMRC_PUNCTUATION)


def _chinese_tokens(text: str) -> list[str]:
    return _CMRC_TOKENS.findall(_without_punctuation(text))


def _longest_common_run(first: Sequence[str], second: Sequence[str]) -> int:
    """The length of the longest common substring of two lists of tokens."""
    longest = 0
    before = [0] * (len(second) + 1)
    for token in first:
        row = [0] * (len(second) + 1)
        for place, other in enumerate(second, 1):
            if token == other:
                row[place] = before[place - 1] + 1
                longest = max(longest, row[place])
        before = row
    return longest


# By the name of the rules: what compares two answers, and what gives the tokens of one.
COMPARE: dict[str, tuple[Compare, Callable[[str], list[str]]]] = {
    "english": (english, _english_words),
    "chinese": (chinese, _chinese_tokens),
}
