"""What changes the scores, against transformers' logits processors."""

import numpy as np
import pytest

from models.generation.scores import keep_top_k, keep_top_p, log_softmax, to_sample_from
from models.generation.settings import GenerationSettings

torch = pytest.importorskip("torch")
process = pytest.importorskip("transformers.generation.logits_process")

LOGITS = np.random.default_rng(0).normal(size=(40, 30)).astype(np.float32) * 3


def of_transformers(processor, logits=LOGITS):
    return processor(torch.zeros((len(logits), 1)), torch.tensor(logits)).numpy()


def test_log_softmax():
    expected = torch.tensor(LOGITS).log_softmax(-1).numpy()
    np.testing.assert_allclose(log_softmax(LOGITS), expected, rtol=1e-5)


@pytest.mark.parametrize("top_k", [1, 5, 29, 30, 100])
def test_top_k(top_k):
    expected = of_transformers(process.TopKLogitsWarper(top_k))
    np.testing.assert_array_equal(keep_top_k(LOGITS, top_k), expected)
    np.testing.assert_array_equal(keep_top_k(LOGITS, 0), LOGITS)


@pytest.mark.parametrize("top_p", [0.01, 0.3, 0.9, 0.999])
def test_top_p(top_p):
    expected = of_transformers(process.TopPLogitsWarper(top_p))
    np.testing.assert_array_equal(keep_top_p(LOGITS, top_p), expected)
    np.testing.assert_array_equal(keep_top_p(LOGITS, 1.0), LOGITS)


def test_their_order():
    settings = GenerationSettings(max_length=1, sample=True, temperature=2.5, top_k=9, top_p=0.8)
    expected = LOGITS
    for processor in (
        process.TemperatureLogitsWarper(2.5),
        process.TopKLogitsWarper(9),
        process.TopPLogitsWarper(0.8),
    ):
        expected = of_transformers(processor, expected)
    np.testing.assert_allclose(to_sample_from(LOGITS, settings), expected, rtol=1e-6)
