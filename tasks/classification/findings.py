"""What the log and the report say of the decisions of a classifier."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from data_util.reading.documents import Document
from models.heads.ngram_classifier import NgramClassifier
from reports.blocks import (
    Block,
    Example,
    Examples,
    Fact,
    LineChart,
    ScatterChart,
    Section,
    Sentences,
    Series,
    Table,
)
from tasks.classification.calibration import top_label
from tasks.classification.evidence import evidence
from tasks.classification.outcome import Outcome
from tasks.evaluation import Findings
from tasks.reliability import reliability, reliability_section

if TYPE_CHECKING:
    from tasks.classification.data import ClassificationData

# How many documents are shown.
WORST = 20
_CHARACTERS = 300
_ROWS, _CONFUSIONS, _NAMED = 20, 10, 5
# A chart with more dots is a large file, and shows no more.
_DOTS = 2000
_NOTHING = "—"


def findings_of(
    outcome: Outcome,
    training_documents: np.ndarray | None,
    examples: Sequence[Example],
    mixtures: Sequence[Mapping[str, float]],
    *,
    exclusive: bool,
) -> Findings:
    """Describes the decisions for the test examples.

    Args:
        outcome: the decisions.
        training_documents: (labels,) how many training documents have each label, or None.
        examples: the documents that are most wrong, from `example_of`.
        mixtures: the entries of "tfidf_classifier" in `metrics.json`, if it is a run's.
        exclusive: whether exactly one label is right.
    """
    documents: list[Block] = [Examples(examples)]
    if not examples:
        documents = [Sentences(["No document has a wrong label."])]
        if outcome.is_wrong.any():
            documents = [Sentences(["The test files could not be read again."])]
    return Findings(
        lines=_lines(outcome),
        sections=[
            *_mixture(mixtures),
            _errors(outcome, training_documents),
            _reliability(outcome, exclusive=exclusive),
            Section(
                "Documents that are most wrong",
                documents,
                "Those with a wrong decision that have the largest loss. All test documents are in "
                "test_predictions.jsonl.",
            ),
        ],
    )


def worst_examples(
    outcome: Outcome,
    documents: Mapping[int, Document],
    data: "ClassificationData",
    classifier: NgramClassifier | None,
) -> list[Example]:
    """The documents that are most wrong, and what spoke for the wrong label.

    Args:
        outcome: the decisions.
        documents: some of the test documents, by number.
        data: their n-grams.
        classifier: the linear classifier; None: nothing is said of why.
    """
    found, ngrams, table = [], data.ngrams, data.table
    for number in outcome.worst(len(documents)):
        reasons: Sequence[str] = ()
        if classifier is not None and ngrams is not None and table is not None:
            wrong, missed = outcome.main_error(number, classifier.num_labels)
            kernel = np.asarray(classifier.kernel)
            reasons = evidence(ngrams["test"].row(number), kernel, table, wrong, missed)
        found.append(example_of(outcome, number, documents[number], reasons))
    return found


def example_of(
    outcome: Outcome, number: int, document: Document, evidence: Sequence[str]
) -> Example:
    """A document with its labels.

    Args:
        outcome: the decisions.
        number: the document's number.
        document: the document.
        evidence: what spoke for the wrong label, or against the missed one.
    """
    added, missed = outcome.added[number], outcome.missed[number]
    right = outcome.targets[number] & outcome.decisions[number]
    facts = [
        Fact(name, _named(outcome, number, chosen))
        for name, chosen in (
            ("true, missed", missed),
            ("predicted, wrong", added),
            ("right", right),
        )
        if chosen.any()
    ]
    if evidence:
        name = "spoke for it" if added.any() else "spoke against it"
        facts.append(Fact(name, " · ".join(evidence), "by the TF-IDF classifier"))
    facts.append(Fact("loss", f"{outcome.losses[number]:.2f}"))
    texts = [document.text] if document.text_b is None else [document.text, document.text_b]
    return Example(f"{document.path}:{document.line}", [_start(text) for text in texts], facts)


def _start(text: str) -> str:
    return text if len(text) <= _CHARACTERS else f"{text[:_CHARACTERS]} …"


def _named(outcome: Outcome, number: int, chosen: np.ndarray) -> str:
    probabilities = outcome.probabilities[number]
    return ", ".join(
        f"{outcome.labels[label]} ({probabilities[label]:.3f})"
        for label in np.flatnonzero(chosen).tolist()
    )


def _lines(outcome: Outcome) -> list[str]:
    wrong = int(outcome.is_wrong.sum())
    if not wrong:
        return ["no test document has a wrong label"]
    missed, added = outcome.missed.sum(axis=0), outcome.added.sum(axis=0)
    confusions = [
        f"{_name(outcome, each.missed)} → {_name(outcome, each.predicted)} {each.count:,}"
        for each in outcome.confusions()[:_NAMED]
    ]
    labels = [
        f"{outcome.labels[label]} ({missed[label]:,} missed, {added[label]:,} wrong)"
        for label in outcome.most_errors(_NAMED)
    ]
    return [
        f"test: {wrong:,} of {len(outcome):,} with a wrong or a missed label",
        f"  most frequent (true → predicted): {', '.join(confusions)}",
        f"  labels with most errors: {', '.join(labels)}",
    ]


def _name(outcome: Outcome, label: int | None) -> str:
    return _NOTHING if label is None else outcome.labels[label]


def _mixture(mixtures: Sequence[Mapping[str, float]]) -> list[Section]:
    if not mixtures:
        return []

    def series(name: str, key: str) -> Series:
        return Series(name, [(float(i), each[key]) for i, each in enumerate(mixtures, 1)])

    f1 = LineChart(
        "Validation F1 of each alone",
        "validation",
        "",
        [series("network", "network_f1"), series("TF-IDF", "linear_f1")],
    )
    weights = LineChart(
        "Weights that validation chose",
        "validation",
        "",
        [series("network", "network_weight"), series("TF-IDF", "linear_weight")],
    )
    return [Section("Network and TF-IDF classifier", [f1, weights])]


def _errors(outcome: Outcome, training_documents: np.ndarray | None) -> Section:
    true, predicted = outcome.targets.sum(axis=0), outcome.decisions.sum(axis=0)
    hits = (outcome.targets & outcome.decisions).sum(axis=0)
    f1 = 2 * hits / np.maximum(1, true + predicted)
    blocks: list[Block] = []
    about = (
        f"A confusion is a label that was missed and one that was wrongly predicted in its place; "
        f"{_NOTHING}: none. All labels are in test_labels.csv."
    )
    if training_documents is None:
        about += " This checkpoint does not say how many training documents each label had."
    else:
        seen = np.flatnonzero(true + predicted)
        order = seen[np.argsort(-training_documents[seen], kind="stable")][:_DOTS]
        points = [
            (
                float(training_documents[label]),
                float(f1[label]),
                f"{outcome.labels[label]}: F1 {f1[label]:.3f}, "
                f"{training_documents[label]:,} training documents, {true[label]:,} in the test",
            )
            for label in order.tolist()
        ]
        blocks.append(ScatterChart("F1 of each label", "training documents", "F1", points))
    confusions: list[list[str | int | float]] = [
        [_name(outcome, each.missed), _name(outcome, each.predicted), each.count]
        for each in outcome.confusions()[:_CONFUSIONS]
    ]
    if not confusions:
        return Section("Labels", blocks, about)
    blocks.append(Table("Most frequent confusions", ["true", "predicted", "count"], confusions, 2))
    columns = ["label", "errors", "missed", "wrong", "true", "F1"]
    missed, added = outcome.missed.sum(axis=0), outcome.added.sum(axis=0)
    rows: list[list[str | int | float]] = []
    for label in outcome.most_errors(_ROWS):
        numbers = [int(each[label]) for each in (missed + added, missed, added, true)]
        rows.append([outcome.labels[label], *numbers, float(f1[label])])
        if training_documents is not None:
            rows[-1].append(int(training_documents[label]))
    columns += ["training"] if training_documents is not None else []
    blocks.append(Table("Labels with most errors", columns, rows, bars=1, wide=True))
    return Section("Labels", blocks, about)


def _reliability(outcome: Outcome, *, exclusive: bool) -> Section:
    pairs = outcome.probabilities, outcome.targets
    found = reliability(*(top_label(*pairs) if exclusive else pairs))
    which = "the most probable label of each document" if exclusive else "every label of each"
    counted = f"{which}{'' if exclusive else ' document'}"
    return reliability_section(found, "labels", counted)
