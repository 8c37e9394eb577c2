import re
import string

import numpy as np
import pytest

from tasks.question_answering.metrics import (
    answer_metrics,
    best_null_threshold,
    chinese,
    english,
    rules_of,
    score,
)

WORDS = ["the", "a", "Red", "red", "car,", "car", "1999", "old.", "(an)", "--", "Über", "x-y"]
SIGNS = [*"生活费八百元张原告。，：", "2019", "abc", "3.5", " "]


def random_answers(units, joiner, count=1000):
    random = np.random.default_rng(0)
    for _ in range(count):
        texts = [
            joiner.join(random.choice(units, int(random.integers(0, 7))))
            for _ in range(int(random.integers(1, 5)))
        ]
        yield (texts[0] or None), [text for text in texts[1:] if text]


def squad_reference(answer, truths):
    """`evaluate-v2.0.py` once more: no answer is the answer "", and truths without a word are none.

    It was run side by side with `squad_metrics.py` of transformers 4.57 on the same 1,000 cases.
    """

    def words(text):
        kept = "".join(sign for sign in text.lower() if sign not in string.punctuation)
        return [word for word in kept.split() if word not in ("a", "an", "the")]

    given, found = words(answer or ""), []
    for truth in [each for each in map(words, truths) if each] or [[]]:
        rest, common = list(truth), 0
        for word in given:
            if word in rest:
                rest.remove(word)
                common += 1
        exact = float(given == truth)
        if not given or not truth:
            found.append((exact, exact))
        elif not common:
            found.append((exact, 0.0))
        else:
            precision, recall = common / len(given), common / len(truth)
            found.append((exact, 2 * precision * recall / (precision + recall)))
    return max(exact for exact, _ in found), max(f1 for _, f1 in found)


def test_english_rules_are_those_of_squad():
    for answer, truths in random_answers(WORDS, " "):
        assert score(answer, truths, "english") == pytest.approx(squad_reference(answer, truths))


def test_answered_questions_are_scored_as_torchmetrics_does():
    squad = pytest.importorskip("torchmetrics.functional.text").squad
    random = np.random.default_rng(1)
    for case in range(1000):
        # Each text has a word that the rules keep: for others, SQuAD 1.1 has no F1.
        answer, *truths = (
            " ".join(random.permutation([random.choice(["red", "car", "old."]), *some]))
            for some in (random.choice(WORDS, random.integers(0, 6)) for _ in range(4))
        )
        question = {"answers": {"text": truths, "answer_start": [0] * 3}, "id": "1"}
        expected = squad([{"prediction_text": answer, "id": "1"}], [question])
        found = score(answer, truths, "english")
        both = expected["exact_match"].item() / 100, expected["f1"].item() / 100
        assert found == pytest.approx(both), case


def reference(answer, truth):
    """CMRC's rules once more, by looking for each part of the answer in the truth."""

    def clean(text):
        return "".join(sign for sign in text.lower().strip() if sign not in "。，：")

    one, other = (re.findall("[一-龥]|[0-9a-z.]+", clean(text)) for text in (answer, truth))
    longest = max(
        end - start
        for start in range(len(one))
        for end in range(start, len(one) + 1)
        if any(other[at : at + end - start] == one[start:end] for at in range(len(other)))
    )
    exact = float(clean(answer) == clean(truth))
    if not longest:
        return exact, 0.0
    precision, recall = longest / len(one), longest / len(other)
    return exact, 2 * precision * recall / (precision + recall)


def test_chinese_rules_are_those_of_cmrc():
    compared = 0
    for answer, truths in random_answers(SIGNS, ""):
        for truth in truths:
            if all(re.search("[^。，： ]", text) for text in (answer or "", truth)):
                assert chinese(answer, truth) == pytest.approx(reference(answer, truth))
                compared += 1
    assert compared > 900


def test_answers_worked_out_by_hand():
    assert english("The red car.", "red car") == (1.0, 1.0)
    assert english("red car", "the old red car") == (0.0, pytest.approx(4 / 5))
    assert chinese("800元。", "800元") == (1.0, 1.0)
    # 800 is one unit: two of three, and all of the other.
    assert chinese("费800元", "800元") == (0.0, pytest.approx(2 * 2 / 5))
    assert chinese("甲乙丙丁", "甲乙丁") == (0.0, pytest.approx(2 * 2 / 7))
    assert chinese("天", "天") == (1.0, 1.0) and chinese("天", "地") == (0.0, 0.0)


def test_a_question_without_an_answer():
    for rules in ("english", "chinese"):
        assert score(None, [], rules) == (1.0, 1.0)
        assert score("红", [], rules) == score(None, ["红"], rules) == (0.0, 0.0)
        assert score("红", ["绿", "红"], rules) == (1.0, 1.0)


def test_rules_follow_the_text():
    assert rules_of(["谁盗窃？", "When?", "几时？"]) == "chinese"
    assert rules_of(["Who?", "When?", "为什么 is", "x"]) == "english"


def test_means_of_both_kinds():
    found = answer_metrics([1, 0, 1, 0], [1, 0.5, 1, 0], [True, True, False, False])
    assert found == {
        "f1": 0.625,
        "exact_match": 0.5,
        "answerable_f1": 0.75,
        "answerable_exact_match": 0.5,
        "unanswerable_accuracy": 0.5,
    }
    assert set(answer_metrics([1], [1], [True])) == {"f1", "exact_match"}


def test_the_best_threshold_against_all_thresholds():
    random = np.random.default_rng(0)
    for _ in range(300):
        count = int(random.integers(1, 9))
        log_odds = random.integers(-3, 4, count).astype(float)
        log_odds[random.random(count) < 0.1] = -np.inf
        answerable = random.random(count) < 0.6
        f1 = np.where(answerable, random.random(count), 0)

        def mean(threshold, log_odds=log_odds, f1=f1, answerable=answerable):
            return float(np.where(log_odds >= threshold, f1, ~answerable).mean())

        threshold, found = best_null_threshold(log_odds, f1, answerable)
        assert np.isfinite(threshold)
        assert found == pytest.approx(mean(threshold))
        assert found == pytest.approx(max(mean(one) for one in np.arange(-4.5, 5)))
