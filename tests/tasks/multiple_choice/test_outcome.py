"""Metrics of questions of different sizes against scikit-learn and by hand."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import accuracy_score, log_loss

from tasks.multiple_choice.findings import findings_of, predictions_of
from tasks.multiple_choice.outcome import Outcome, outcome_of
from tasks.multiple_choice.records import Question


def outcome(scores, answers):
    question = np.repeat(np.arange(len(scores)), [len(each) for each in scores])
    right = [np.arange(len(each)) == answer for each, answer in zip(scores, answers, strict=True)]
    return Outcome(np.concatenate(scores), question, np.concatenate(right))


def test_metrics_equal_scikit_learns():
    random = np.random.default_rng(0)
    scores, answers = random.normal(size=(50, 4)).astype(np.float32), random.integers(4, size=50)
    found = outcome(list(scores), answers)
    assert found.metrics()["accuracy"] == accuracy_score(answers, scores.argmax(axis=1))
    probabilities = softmax(scores.astype(np.float64), axis=1)
    expected = log_loss(answers, probabilities, labels=range(4))
    assert found.metrics()["log_loss"] == pytest.approx(expected)
    np.testing.assert_allclose(found.of(7), probabilities[7])


@pytest.fixture
def three():
    """Questions of 2, 3 and 4 choices; the second is wrong, the third a tie that is right."""
    scores = [np.array([2.0, 0.0]), np.array([1.0, 0.0, 3.0]), np.array([0.0, 1.0, 1.0, 0.0])]
    return outcome(scores, [0, 1, 1])


def test_questions_of_different_sizes(three):
    assert len(three) == 3 and three.sizes.tolist() == [2, 3, 4]
    assert three.chosen.tolist() == [0, 2, 1] and three.hits.tolist() == [True, False, True]
    assert three.worst(5) == [1]
    assert three.losses[0] == pytest.approx(np.log1p(np.exp(-2)))


def test_the_batches_of_an_evaluation_are_put_in_order(three):
    """Windows are joined, and the batches have the questions in another order."""

    def forward(batches):
        for first, second in ((2, 0), (1, None)):
            rows = [(number, three) for number in (first, second) if number is not None]
            inputs = {"example": [], "choice": []}
            targets, outputs = [], []
            for number, _ in rows:
                chosen = three.question == number
                for choice, (score, right) in enumerate(
                    zip(three.scores[chosen], three.right[chosen], strict=True)
                ):
                    inputs["example"] += [number] * 2
                    inputs["choice"] += [choice] * 2
                    targets += [right, False]
                    outputs += [[score - number], [score]]
            arrays = {name: np.array(values) for name, values in inputs.items()}
            yield arrays, np.array(targets, np.float32), np.array(outputs)

    found = outcome_of(None, forward)
    for name in ("scores", "question", "right"):
        np.testing.assert_array_equal(getattr(found, name), getattr(three, name))


def test_findings(three):
    texts = ["ab", "c", "d", "efg", "h", "i", "jk", "lm", "n"]
    parts = [texts[:2], texts[2:5], texts[5:]]
    questions = [
        Question("文" * 400, "", tuple(each), answer, number, ("t.jsonl", number))
        for number, (each, answer) in enumerate(zip(parts, [0, 1, 1], strict=True))
    ]
    written, read = predictions_of(three, questions)
    assert read == questions
    lines = written["test_predictions.jsonl"].splitlines()
    assert len(lines) == 3 and '"correct": false' in lines[1]
    found = findings_of(three, questions)
    assert found.lines[0] == "1 of 3 questions have a wrong answer"
    table = dict(found.sections[0].blocks[0].rows)
    assert table["the model"] == pytest.approx(2 / 3)
    assert table["chance"] == pytest.approx((1 / 2 + 1 / 3 + 1 / 4) / 3)
    assert table["always choice 1"] == pytest.approx(2 / 3)
    assert table["always the longest choice"] == pytest.approx(3 / 3)
    (worst,) = found.sections[-1].blocks[0].examples
    assert worst.place == "t.jsonl:1"
    facts = {fact.name: fact.value for fact in worst.facts}
    assert (facts["chosen, wrong"], facts["right"], facts["other choices"]) == ("h", "efg", "d")
    # Files that can no longer be read, or have other questions, are no error.
    assert predictions_of(three, questions[:2]) is None
    assert findings_of(three, []).sections
