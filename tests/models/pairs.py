"""Pairs of an objective and a backbone, for tests that are too expensive for all of them."""

from collections.abc import Sequence


def some_of(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Each objective once and each backbone at least once, instead of their product.

        >>> some_of([("a", "x"), ("a", "y"), ("b", "x"), ("b", "y"), ("c", "y")])
        [('a', 'x'), ('b', 'y'), ('c', 'y')]

    Args:
        pairs: those that go together, (objective, backbone).
    """
    chosen: list[tuple[str, str]] = []
    for objective in dict.fromkeys(one for one, _ in pairs):
        # The backbone that has the fewest so far.
        counts = {two: 0 for one, two in pairs if one == objective}
        for _, backbone in chosen:
            if backbone in counts:
                counts[backbone] += 1
        chosen.append((objective, min(counts, key=counts.__getitem__)))
    for backbone in dict.fromkeys(two for _, two in pairs):
        if backbone not in (two for _, two in chosen):
            chosen.append(next(pair for pair in pairs if pair[1] == backbone))
    return chosen
