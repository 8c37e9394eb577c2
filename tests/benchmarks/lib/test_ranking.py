import numpy as np
import pytest
from sklearn.metrics import ndcg_score, top_k_accuracy_score

from benchmarks.lib.ranking import ItemToItem, Popular, hit_rate, ndcg, rank_of


@pytest.mark.parametrize("k", [1, 5, 10])
def test_metrics_are_those_of_scikit_learn(k):
    random = np.random.default_rng(0)
    scores = random.random((300, 40))
    right = random.integers(0, 40, 300)
    orders = np.argsort(-scores, axis=1)
    # Beyond the tenth nothing is known, as in the benchmark.
    tens = [[*map(str, order[:10])] for order in orders]
    ranks = [rank_of(str(item), ten) for item, ten in zip(right, tens, strict=True)]
    truth = np.eye(40)[right]
    assert ndcg(ranks, k) == pytest.approx(ndcg_score(truth, scores, k=k))
    assert hit_rate(ranks, k) == pytest.approx(
        top_k_accuracy_score(right, scores, k=k, labels=range(40))
    )


def test_metrics_by_hand():
    assert hit_rate([0, 9, 10, None]) == 0.5
    assert ndcg([0, 2, 10, None]) == pytest.approx((1 + 0.5) / 4)  # log2(4) is 2


def test_popular_items_that_the_user_lacks():
    system = Popular([["a", "b"], ["b", "c"], ["b", "c", "d"]])
    assert system.recommend(["x"]) == ["b", "c", "a", "d"]
    assert system.recommend(["b"], k=2) == ["c", "a"]


def test_what_came_after_the_last_item_is_first():
    system = ItemToItem([["a", "b", "c"], ["d", "a", "c"], ["e", "a", "c"], ["b", "e"]])
    # After a: c twice, b once. Then what is popular: a and c in three sequences, b and e in two.
    assert system.recommend(["x", "a"]) == ["c", "b", "e", "d"]
    assert system.recommend(["c", "a"]) == ["b", "e", "d"]
    assert system.recommend(["a", "x"]) == ["c", "b", "e", "d"]
