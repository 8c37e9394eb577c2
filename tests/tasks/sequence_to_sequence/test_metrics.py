import numpy as np
import pytest
from sacrebleu import corpus_bleu, corpus_chrf

from tasks.sequence_to_sequence.metrics import (
    bleu,
    bleu_tokenizer,
    chrf,
    common_subsequence,
    rouge,
    rouge_tokens,
)

rouge_scorer = pytest.importorskip("rouge_score.rouge_scorer")


class Tokens:
    """What rouge-score asks of a tokenizer."""

    def tokenize(self, text):
        return rouge_tokens(text)


def texts(alphabet, count, seed, joined):
    random = np.random.default_rng(seed)
    return [
        joined.join(random.choice(alphabet, random.integers(1, 15)).tolist()) for _ in range(count)
    ]


CHINESE = list("天地人法院审理判决盗窃，。")
ENGLISH = ["the", "a", "cat", "cats", "sat", "on", "mat", ",", ".", "Whose", "turn", "is", "?", "3"]


@pytest.mark.parametrize(("alphabet", "joined"), [(CHINESE, ""), (ENGLISH, " ")])
def test_rouge_equals_rouge_score(alphabet, joined):
    written, references = (texts(alphabet, 1000, seed, joined) for seed in (1, 2))
    written[5] = ""
    kinds = ["rouge1", "rouge2", "rougeL"]
    scorer = rouge_scorer.RougeScorer(kinds, tokenizer=Tokens())
    expected = [
        [scorer.score(reference, text)[kind].fmeasure for kind in kinds]
        for text, reference in zip(written, references, strict=True)
    ]
    found = list(rouge(written, references).values())
    np.testing.assert_allclose(found, 100 * np.mean(expected, axis=0), rtol=1e-9)


def test_tokens_of_english_are_those_of_rouge_score():
    default = pytest.importorskip("rouge_score.tokenizers").DefaultTokenizer()
    for text in ("Don't use_it, 3.5 times!", "the cat (sat)"):
        assert rouge_tokens(text) == default.tokenize(text)


def test_common_subsequence():
    assert common_subsequence([], ["a"]) == common_subsequence(["a"], []) == 0
    assert common_subsequence(list("abcbdab"), list("bdcaba")) == 4  # of Cormen et al.


@pytest.mark.parametrize(
    ("alphabet", "joined", "tokenizer"), [(CHINESE, "", "zh"), (ENGLISH, " ", "13a")]
)
def test_bleu_and_chrf_are_those_of_sacrebleu(alphabet, joined, tokenizer):
    references = texts(alphabet, 1000, 3, joined)
    written = [text[: len(text) * 3 // 4] for text in references]
    assert bleu_tokenizer(references) == tokenizer
    expected = corpus_bleu(written, [references], tokenize=tokenizer).score
    assert bleu(written, references) == {"bleu": pytest.approx(expected)}
    assert 0 < expected < 100
    assert chrf(written, references)["chrf"] == corpus_chrf(written, [references]).score


def test_tokenizer_by_script():
    assert bleu_tokenizer(["今日は晴れです。"]) == "char"
    assert bleu_tokenizer(["我用Keras写字。", "很好"]) == "zh"
    assert bleu_tokenizer(["a 甲 text"]) == "13a"
    assert bleu_tokenizer([""]) == "13a"
