import numpy as np
import pytest

from tasks.question_answering.decoding import Decoded, decode, result_of
from tests.tasks.question_answering.questions import question_of


def brute_force(encoded, outputs, longest):
    """The log-odds of every answer, by loops; an answer belongs to the window of its start."""
    found = {}
    for number, (start, end) in enumerate(encoded.windows):
        scores = outputs[number]
        for first in range(start, end):
            if encoded.owners[first] != number:
                continue
            for last in range(first, min(first + longest, end)):
                of_start = scores[encoded.offset + first - start, 0]
                of_end = scores[encoded.offset + last - start, 1]
                found[first, last] = of_start + of_end - scores[0, 0] - scores[0, 1]
    return found


@pytest.mark.parametrize("count", [1, 5, 6, 23])
def test_answers_and_probabilities_against_all_of_them(count):
    random = np.random.default_rng(count)
    for longest in (1, 3, 30):
        encoded = question_of(count)
        outputs = random.normal(scale=3, size=(len(encoded.windows), 11, 2)).astype(np.float32)
        decoded = decode(encoded, outputs, longest, 5)
        expected = brute_force(encoded, outputs.astype(float), longest)
        order = sorted(expected, key=lambda span: -expected[span])[:5]
        assert [(each.first, each.last) for each in decoded.candidates] == order
        total = 1 + sum(np.exp(list(expected.values())))
        assert decoded.none == pytest.approx(1 / total)
        for each in decoded.candidates:
            assert each.log_odds == pytest.approx(expected[each.first, each.last])
            assert each.probability == pytest.approx(np.exp(each.log_odds) / total)


def test_an_answer_does_not_depend_on_the_level_of_a_windows_scores():
    encoded = question_of(9)
    outputs = np.random.default_rng(0).normal(size=(2, 11, 2))
    raised = outputs + np.array([5.0, -7.0])[:, None, None]
    one, other = (decode(encoded, each, 30, 20) for each in (outputs, raised))
    assert [each.first for each in one.candidates] == [each.first for each in other.candidates]
    assert one.none == pytest.approx(other.none)


def test_a_certain_answer_of_one_character_and_none():
    encoded = question_of(4)
    outputs = np.full((1, 11, 2), -20.0)
    outputs[0, encoded.offset + 2] = 20.0
    decoded = decode(encoded, outputs, 30, 20)
    answer = {"answer": encoded.text[2], "start": 2, "end": 3, "probability": 1.0}
    # Its log-odds are 80.
    assert result_of(encoded, decoded, None) == result_of(encoded, decoded, 79.0) == answer
    none = {"answer": None, "start": None, "end": None, "probability": 0.0}
    assert result_of(encoded, decoded, 81.0) == none
    top = result_of(encoded, decoded, 81.0, top_k=2)["top"]
    assert top[0] == answer and len(top) == 2
    outputs[0, 0] = 100.0
    found = result_of(encoded, decode(encoded, outputs, 30, 20), 0.0, top_k=1)
    none["probability"] = 1.0
    assert found == {**none, "top": [none]}


def test_an_empty_passage_has_no_answer():
    encoded = question_of(0)
    decoded = decode(encoded, np.zeros((1, 11, 2)), 30, 20)
    assert decoded == Decoded([], 1.0) and decoded.log_odds == -np.inf
    assert result_of(encoded, decoded, None)["answer"] is None
