"""Against seqeval, on 1,000 random cases."""

import numpy as np
import pytest

from tasks.token_classification.metrics import counts_by_label, entity_metrics, token_accuracy
from tasks.token_classification.tags import entities_of, may_follow, tag_names, tags_of


def random_tags(random, names, length, scheme):
    """Tags that the scheme allows."""
    while True:
        tags, before = [], None
        for _ in range(length):
            allowed = [name for name in names if may_follow(before, name, scheme)]
            before = allowed[random.integers(len(allowed))]
            tags.append(before)
        if may_follow(before, None, scheme):
            return tags


def test_as_seqeval():
    seqeval = pytest.importorskip("seqeval.metrics", reason="seqeval is not installed")
    from seqeval.scheme import IOB2, IOBES

    random = np.random.default_rng(0)
    for case in range(1000):
        scheme = "bio" if case % 2 else "bioes"
        names = tag_names(["A", "B", "C"][: 1 + case % 3], scheme)
        texts = range(1 + case % 4)
        lengths = random.integers(1, 9, size=len(texts))
        truth = [random_tags(random, names, length, scheme) for length in lengths]
        # Half of the predictions are mostly right.
        found = [
            tags if case % 4 < 2 and random.random() < 0.5
            else random_tags(random, names, len(tags), scheme)
            for tags in truth
        ]  # fmt: skip
        ours, theirs = ([entities_of(tags, scheme) for tags in each] for each in (truth, found))
        counts = counts_by_label(ours, theirs)
        metrics = entity_metrics(counts)
        for settings in (
            {},
            {"mode": "strict", "scheme": IOB2 if scheme == "bio" else IOBES},
        ):
            if settings and not counts:
                continue
            given = {"zero_division": 0, **settings}
            expected = [
                seqeval.f1_score(truth, found, **given),
                seqeval.precision_score(truth, found, **given),
                seqeval.recall_score(truth, found, **given),
            ]
            names_of = ("entity_f1", "precision", "recall")
            assert [metrics[name] for name in names_of] == pytest.approx(expected)
        if counts:
            macro = seqeval.f1_score(truth, found, average="macro", zero_division=0)
            assert metrics["macro_f1"] == pytest.approx(macro)
        index_of = {name: index for index, name in enumerate(names)}
        as_numbers = (
            [np.array([index_of[tag] for tag in tags]) for tags in each] for each in (truth, found)
        )
        assert token_accuracy(*as_numbers) == pytest.approx(seqeval.accuracy_score(truth, found))


def test_worked_out_by_hand():
    truth = [entities_of(["B-A", "I-A", "O", "B-B"], "bio"), []]
    found = [entities_of(["B-A", "I-A", "O", "O"], "bio"), entities_of(["B-B"], "bio")]
    metrics = entity_metrics(counts_by_label(truth, found))
    assert metrics == {"entity_f1": 0.5, "precision": 0.5, "recall": 0.5, "macro_f1": 0.5}
    assert entity_metrics({})["entity_f1"] == 0.0
    assert tags_of([], 2, "bio") == ["O", "O"]
    assert token_accuracy([np.array([1, -1, 0])], [np.array([1, 0, 2])]) == 0.5
