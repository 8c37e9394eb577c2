"""How near written texts are to the references: BLEU and chrF of sacrebleu, and ROUGE."""

import re
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

_CHINESE = r"\u2e80-\u303f\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_KANA = r"\u3040-\u30ff\u31f0-\u31ff"
_ROUGE_TOKEN = re.compile(rf"[{_CHINESE}{_KANA}]|[^\W_{_CHINESE}{_KANA}]+")


def bleu_tokenizer(references: Sequence[str]) -> str:
    """The name of sacrebleu's tokenizer for texts like these.

    "zh" for Chinese, whose characters it separates; "char" for Japanese; otherwise "13a", that of
    the evaluations of WMT.
    """
    text = "".join(references)
    kana, chinese = (len(re.findall(f"[{each}]", text)) for each in (_KANA, _CHINESE))
    if (kana + chinese) * 2 <= len(re.sub(r"\s", "", text)):
        return "13a"
    return "char" if kana * 20 > chinese else "zh"


def bleu(texts: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """Corpus BLEU from 0 to 100, with the tokenizer that `bleu_tokenizer` names.

    References:
        Papineni et al. 2002; Post 2018, "A Call for Clarity in Reporting BLEU Scores".
    """
    from sacrebleu.metrics.bleu import BLEU

    metric = BLEU(tokenize=bleu_tokenizer(references))
    return {"bleu": float(metric.corpus_score(list(texts), [list(references)]).score)}


def chrf(texts: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """Corpus chrF2 from 0 to 100: F of character n-grams up to six.

    References:
        Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation".
    """
    from sacrebleu.metrics.chrf import CHRF

    return {"chrf": float(CHRF().corpus_score(list(texts), [list(references)]).score)}


def rouge(texts: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """ROUGE-1, ROUGE-2 and ROUGE-L, the mean F1 of the texts, from 0 to 100.

    The tokens are those of `rouge_tokens`. ROUGE-L is that of whole texts.

    References:
        Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries".
    """
    scores = np.zeros((len(texts), 3))
    for row, (text, reference) in enumerate(zip(texts, references, strict=True)):
        mine, true = rouge_tokens(text), rouge_tokens(reference)
        for size in (1, 2):
            counts, expected = _ngrams(mine, size), _ngrams(true, size)
            overlap = (counts & expected).total()
            scores[row, size - 1] = _f1(overlap, counts.total(), expected.total())
        scores[row, 2] = _f1(common_subsequence(mine, true), len(mine), len(true))
    means = 100 * scores.mean(axis=0)
    return dict(zip(("rouge_1", "rouge_2", "rouge_l"), means.tolist(), strict=True))


METRICS: dict[str, Callable[[Sequence[str], Sequence[str]], dict[str, float]]] = {
    "bleu": bleu,
    "chrf": chrf,
    "rouge": rouge,
}


def rouge_tokens(text: str) -> list[str]:
    """Lower-cased words, and single characters of Chinese and Japanese, without punctuation.

    >>> rouge_tokens("用Keras 3，很好!")
    ['用', 'keras', '3', '很', '好']
    """
    found = _ROUGE_TOKEN.findall(text.lower())
    return [token for token in found if token.isalnum()]


def common_subsequence(first: Sequence[str], second: Sequence[str]) -> int:
    """The length of the longest common subsequence.

    References:
        Hyyrö 2004, "Bit-parallel LCS-length computation revisited".
    """
    places: dict[str, int] = {}
    for index, token in enumerate(first):
        places[token] = places.get(token, 0) | 1 << index
    all_places = (1 << len(first)) - 1
    free = all_places
    for token in second:
        used = free & places.get(token, 0)
        free = ((free + used) | (free - used)) & all_places
    return len(first) - free.bit_count()


def _ngrams(tokens: Sequence[str], size: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(tokens[start:] for start in range(size)), strict=False))


def _f1(overlap: int, found: int, expected: int) -> float:
    return 2 * overlap / (found + expected) if overlap else 0.0
