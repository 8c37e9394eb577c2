import numpy as np
import pytest
from scipy.stats import binomtest

from models.objectives.neighbour_sentence import NeighbourSentenceHead


@pytest.fixture
def score(config_of):
    """The term of random vectors in the place of the pooled output, and these and the head."""
    config = config_of("text_cnn")

    def make(offsets, weights, seed=0):
        head = NeighbourSentenceHead(config, name="neighbour_sentence")
        head.build()
        pooled = np.random.default_rng(seed).normal(size=(len(offsets), config.d_model))
        pooled = pooled.astype("float32")
        batch = {
            "neighbour_offset": np.array(offsets, "int32"),
            "neighbour_weights": np.array(weights, "float32"),
        }
        (term,) = head.terms(lambda: {"pooled_output": pooled}, batch, None, training=False)
        return term, pooled, head

    return make


def test_equal_to_info_nce_in_numpy(score):
    # The neighbour of the last row is in another part of the batch; the third row has none.
    term, pooled, head = score([1, -1, 0, 1, -1, 1], [1, 1, 0, 1, 1, 1])
    f, g = (
        pooled.astype("float64") @ np.asarray(one.kernel) for one in (head.text, head.candidate)
    )
    for row, neighbour in {0: 1, 1: 0, 3: 4, 4: 3}.items():
        scores = {other: f[row] @ g[other] for other in (0, 1, 3, 4, 5) if other != row}
        loss = np.log(sum(np.exp(list(scores.values())))) - scores[neighbour]
        np.testing.assert_allclose(term.values[row], loss, rtol=1e-5)
        assert bool(term.hits[row]) == (max(scores, key=scores.get) == neighbour)
    np.testing.assert_array_equal(term.weights, [1, 1, 0, 1, 1, 0])


def test_before_training_one_in_as_many_as_there_are_candidates_is_right(score):
    hits = np.concatenate([score([1, -1] * 8, [1] * 16, seed)[0].hits for seed in range(80)])
    assert binomtest(int(hits.sum()), len(hits), 1 / 15).pvalue > 0.001
