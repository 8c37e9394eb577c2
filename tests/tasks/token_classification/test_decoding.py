"""Against all sequences of tags."""

import itertools

import numpy as np
import pytest
from scipy.special import logsumexp

from tasks.token_classification.decoding import Chain, best_tags, entity_probabilities
from tasks.token_classification.tags import TagError, entities_of, tag_names


def scored(scores, transitions, tags):
    """The score of every sequence that the scheme allows."""
    size = len(tags)
    found = {}
    for path in itertools.product(range(size), repeat=len(scores)):
        total = transitions[size, path[0]] + transitions[size + 1, path[-1]]
        total += sum(scores[place, tag] for place, tag in enumerate(path))
        total += sum(transitions[one, other] for one, other in itertools.pairwise(path))
        found[path] = total
    return found


@pytest.mark.parametrize("scheme", ["bio", "bioes", "plain"])
def test_best_tags_and_probabilities_over_all_paths(scheme):
    labels = ["A", "B"] if scheme == "bio" else ["A"] if scheme == "bioes" else ["N", "V", "X"]
    tags = tag_names(labels, scheme)
    random = np.random.default_rng(0)
    transitions = random.normal(size=(len(tags) + 2, len(tags)))
    chain = Chain.of(tags, scheme, transitions)
    texts = [random.normal(size=(length, len(tags))) * 2 for length in (1, 2, 3, 4, 5, 0, 4)]
    best = best_tags(texts, chain)
    all_entities = []
    for scores, found in zip(texts, best, strict=True):
        assert len(found) == len(scores)
        if not len(scores):
            all_entities.append([])
            continue
        totals, entities_by_path = {}, {}
        for path, total in scored(scores, transitions, tags).items():
            try:
                entities_by_path[path] = entities_of([tags[tag] for tag in path], scheme)
            except TagError:
                continue
            totals[path] = total
        assert tuple(found) == max(totals, key=totals.get)
        entities = sorted({each for every in entities_by_path.values() for each in every})
        # Any entities may be asked for, not only the best ones.
        all_entities.append(entities)
        whole = logsumexp(list(totals.values()))
        (probabilities,) = entity_probabilities([scores], [entities], chain)
        for entity, probability in zip(entities, probabilities, strict=True):
            with_it = [totals[path] for path, has in entities_by_path.items() if entity in has]
            assert probability == pytest.approx(np.exp(logsumexp(with_it) - whole), rel=1e-6)
    together = entity_probabilities(texts, all_entities, chain)
    assert [len(each) for each in together] == [len(each) for each in all_entities]
    alone = entity_probabilities(texts[3:4], all_entities[3:4], chain)
    np.testing.assert_allclose(together[3], alone[0])


def test_without_transitions_only_what_is_allowed():
    chain = Chain.of(("O", "B-A", "I-A"), "bio")
    scores = np.array([[0.0, 1.0, 9.0], [0.0, 0.0, 2.0]])
    assert best_tags([scores], chain)[0].tolist() == [1, 2]
