"""Recommends items without a network, and measures recommendations."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain, islice, pairwise

import numpy as np


def hit_rate(ranks: Sequence[int | None], k: int = 10) -> float:
    """HR@k: the fraction of the users whose item is among the first k.

    Args:
        ranks: of the right item for each user, from 0; None: it is not among those ranked.
        k: how many are recommended.
    """
    return float(np.mean([rank is not None and rank < k for rank in ranks]))


def ndcg(ranks: Sequence[int | None], k: int = 10) -> float:
    """NDCG@k with one right item per user: the mean of 1 / log2(rank + 2), 0 beyond k.

    Args:
        ranks, k: as for `hit_rate`.
    """
    found = [1 / np.log2(rank + 2) if rank is not None and rank < k else 0.0 for rank in ranks]
    return float(np.mean(found))


def rank_of(item: str, ranking: Sequence[str]) -> int | None:
    """The place of an item, from 0; None: it is not there."""
    return ranking.index(item) if item in ranking else None


class Popular:
    """Recommends what most users have.

    Args:
        sequences: the items of each user.
    """

    def __init__(self, sequences: Iterable[Sequence[str]]) -> None:
        counts = Counter(item for items in sequences for item in items)
        self.ranking = _by_count(counts)

    def recommend(self, history: Sequence[str], k: int = 10) -> list[str]:
        """The first k items that are not in the history."""
        return _unseen(self.ranking, history, k)


class ItemToItem(Popular):
    """Recommends what most often came directly after a user's last item, then what is popular.

    Args:
        sequences: the items of each user, in the order of time.
    """

    def __init__(self, sequences: Sequence[Sequence[str]]) -> None:
        super().__init__(sequences)
        popularity = {item: place for place, item in enumerate(self.ranking)}
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for items in sequences:
            for item, following in pairwise(items):
                counts[item][following] += 1
        self._following = {item: _by_count(found, popularity) for item, found in counts.items()}

    def recommend(self, history: Sequence[str], k: int = 10) -> list[str]:
        """The first k items that are not in the history."""
        return _unseen(chain(self._following.get(history[-1], ()), self.ranking), history, k)


def _by_count(counts: Counter[str], order: dict[str, int] | None = None) -> list[str]:
    """The items by falling count; of equally frequent ones, those first in `order` or by name."""
    return sorted(counts, key=lambda item: (-counts[item], order[item] if order else 0, item))


def _unseen(ranking: Iterable[str], history: Sequence[str], k: int) -> list[str]:
    seen = set(history)
    return list(islice(dict.fromkeys(item for item in ranking if item not in seen), k))
