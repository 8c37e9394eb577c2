"""From scores of tags to the best allowed sequence, and how probable an entity in it is.

All of it is NumPy: an exported model gives the scores alone.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tasks.log_sum_exp import log_sum_exp
from tasks.token_classification.tags import Entity, may_follow, parts_of, tags_of

# Of a transition that is not allowed; finite, so that no difference of two of them is undefined.
_NEVER = -1e9
_TOGETHER = 64


@dataclass(frozen=True, eq=False)
class Chain:
    """The scores of transitions, those that are not allowed made impossible.

    Attributes:
        tags: the tags, T.
        scheme: of the tags: "bio", "bioes" or "plain".
        between: (T, T) float64, of the tag of the column after that of the row.
        first, last: (T,) float64, at the beginning and at the end of a text.
    """

    tags: tuple[str, ...]
    scheme: str
    between: np.ndarray
    first: np.ndarray
    last: np.ndarray

    @classmethod
    def of(cls, tags: Sequence[str], scheme: str, transitions: np.ndarray | None = None) -> "Chain":
        """Makes a chain.

        Args:
            tags: the tags, in the order of the model's outputs.
            scheme: of the tags.
            transitions: (T + 2, T), see `models.layers.linear_chain_crf`; None: all are 0.
        """
        size = len(tags)
        scores = np.zeros((size + 2, size)) if transitions is None else transitions
        allowed = np.array(
            [
                *([may_follow(before, tag, scheme) for tag in tags] for before in (*tags, None)),
                [may_follow(tag, None, scheme) for tag in tags],
            ]
        )
        scores = np.where(allowed, scores.astype(np.float64), _NEVER)
        return cls(tuple(tags), scheme, scores[:size], scores[size], scores[size + 1])

    def scaled(self, scale: float) -> "Chain":
        """The chain with all scores times a positive number."""
        parts = (np.where(part > _NEVER / 2, scale * part, _NEVER) for part in self._parts)
        return Chain(self.tags, self.scheme, *parts)

    def allows(self, tags: np.ndarray) -> bool:
        """Whether the scheme allows a sequence of tags, (units,) int with one at least."""
        steps = self.between[tags[:-1], tags[1:]]
        return bool(min(self.first[tags[0]], self.last[tags[-1]], *steps) > _NEVER / 2)

    @property
    def _parts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.between, self.first, self.last


def path_scores(
    scores: Sequence[np.ndarray], tags: Sequence[np.ndarray], chain: Chain
) -> np.ndarray:
    """(texts,) float64: the score of a sequence of tags of each text, none of which is empty."""
    return np.array(
        [
            chain.first[path[0]]
            + chain.last[path[-1]]
            + one[np.arange(len(path)), path].sum()
            + chain.between[path[:-1], path[1:]].sum()
            for one, path in zip(scores, tags, strict=True)
        ]
    )


def log_partition(scores: Sequence[np.ndarray], chain: Chain) -> np.ndarray:
    """(texts,) float64: log Z of each text, the log-sum of the scores of all its sequences."""
    found = np.zeros(len(scores))
    for chosen, padded, lengths in _batches(scores):
        state = padded[:, 0] + chain.first
        for place in range(1, padded.shape[1]):
            following = log_sum_exp(state[:, :, None] + chain.between, axis=1) + padded[:, place]
            state = np.where((place < lengths)[:, None], following, state)
        found[chosen] = log_sum_exp(state + chain.last)
    return found


def best_tags(scores: Sequence[np.ndarray], chain: Chain) -> list[np.ndarray]:
    """The best allowed sequence of tags of each text (Viterbi).

    Args:
        scores: (units, T) of each text.
        chain: of the transitions.

    Returns:
        (units,) int64 of each text, indices of tags.
    """
    found: list[np.ndarray] = [np.zeros(0, np.int64)] * len(scores)
    for chosen, padded, lengths in _batches(scores):
        best, pointers = padded[:, 0] + chain.first, []
        rows = np.arange(len(chosen))
        at_end = [best + chain.last]
        for place in range(1, padded.shape[1]):
            paths = best[:, :, None] + chain.between
            pointers.append(paths.argmax(axis=1))
            best = paths.max(axis=1) + padded[:, place]
            at_end.append(best + chain.last)
        tags = np.zeros(padded.shape[:2], np.int64)
        final = np.stack(at_end, axis=1)[rows, lengths - 1].argmax(axis=1)
        for place in range(padded.shape[1] - 1, -1, -1):
            if place < padded.shape[1] - 1:
                final = np.where(place < lengths - 1, pointers[place][rows, final], final)
            tags[:, place] = final
        for row, index in enumerate(chosen):
            found[index] = tags[row, : lengths[row]]
    return found


def entity_probabilities(
    scores: Sequence[np.ndarray], entities: Sequence[Sequence[Entity]], chain: Chain
) -> list[list[float]]:
    """How probable each entity is: that exactly these units are one of its label.

    It is the sum over all allowed sequences of tags with this entity (forward-backward), where a
    sequence has the probability of a linear chain: `exp(scores and transitions) / Z`.

    Args:
        scores: as in `best_tags`.
        entities: of each text, over its units.
        chain: of the transitions.
    """
    found: list[list[float]] = [[] for _ in scores]
    index_of = {tag: index for index, tag in enumerate(chain.tags)}
    wanted = [index for index, each in enumerate(entities) if each]
    for chosen, padded, lengths in _batches([scores[index] for index in wanted]):
        forward, backward = _passes(padded, lengths, chain)
        for row, local in enumerate(chosen):
            index, length = wanted[local], int(lengths[row])
            total = log_sum_exp(forward[row, length - 1] + chain.last)
            for entity in entities[index]:
                path = [index_of[tag] for tag in _path(entity, chain.scheme)]
                score = forward[row, entity.start, path[0]]
                for place, (before, tag) in enumerate(itertools.pairwise(path), entity.start + 1):
                    score += chain.between[before, tag] + padded[row, place, tag]
                score += _after(entity, path[-1], padded[row], backward[row], length, chain)
                found[index].append(float(min(np.exp(score - total), 1.0)))
    return found


def _passes(padded: np.ndarray, lengths: np.ndarray, chain: Chain) -> tuple[np.ndarray, np.ndarray]:
    """The log-sums over what is before each tag, itself included, and over what is after it."""
    forward, backward = np.empty_like(padded), np.empty_like(padded)
    forward[:, 0] = padded[:, 0] + chain.first
    for place in range(1, padded.shape[1]):
        sums = log_sum_exp(forward[:, place - 1, :, None] + chain.between, axis=1)
        forward[:, place] = sums + padded[:, place]
    for place in range(padded.shape[1] - 1, -1, -1):
        backward[:, place] = chain.last
        if place < padded.shape[1] - 1:
            following = padded[:, place + 1] + backward[:, place + 1]
            sums = log_sum_exp(chain.between + following[:, None], axis=2)
            inside = (place < lengths - 1)[:, None]
            backward[:, place] = np.where(inside, sums, chain.last)
    return forward, backward


def _path(entity: Entity, scheme: str) -> list[str]:
    length = entity.end - entity.start
    return tags_of([entity._replace(start=0, end=length)], length, scheme)


def _after(
    entity: Entity,
    tag: int,
    scores: np.ndarray,
    backward: np.ndarray,
    length: int,
    chain: Chain,
) -> float:
    """The log-sum over what may follow the entity's last tag; another I- would make it longer."""
    if entity.end >= length:
        return float(chain.last[tag])
    following = chain.between[tag] + scores[entity.end] + backward[entity.end]
    if chain.scheme == "bio":
        ends = [parts_of(name) != ("I", entity.label) for name in chain.tags]
        following = following[np.array(ends)]
    return float(log_sum_exp(following))


def _batches(
    scores: Sequence[np.ndarray],
) -> Iterator[tuple[list[int], np.ndarray, np.ndarray]]:
    """Texts of similar length together: their indices, padded scores, and lengths."""
    order = sorted((i for i, each in enumerate(scores) if len(each)), key=lambda i: len(scores[i]))
    for begin in range(0, len(order), _TOGETHER):
        chosen = order[begin : begin + _TOGETHER]
        lengths = np.array([len(scores[index]) for index in chosen])
        padded = np.zeros((len(chosen), int(lengths.max()), scores[chosen[0]].shape[1]))
        for row, index in enumerate(chosen):
            padded[row, : lengths[row]] = scores[index]
        yield chosen, padded, lengths
