"""Questions of the bundled sample, checked against the texts alone."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from data_util.sample.questions import FEWEST_CHOICES, MOST_CHOICES

DATA = Path(__file__).parents[3] / "data"
SPLITS = ("train", "valid", "test")


def records(name, split):
    text = (DATA / f"sample_{name}_{split}.jsonl").read_text(encoding="utf-8")
    return list(map(json.loads, text.splitlines()))


@pytest.mark.parametrize("split", SPLITS)
def test_answers_stand_where_the_file_says(split):
    found = records("questions", split)
    assert len({each["id"] for each in found}) == len(found) >= 100
    for each in found:
        for answer in each["answers"]:
            start = answer["answer_start"]
            assert each["context"][start : start + len(answer["text"])] == answer["text"]
    unanswerable = sum(not each["answers"] for each in found)
    assert 0.2 * len(found) < unanswerable < 0.35 * len(found)
    assert any(len(each["answers"]) > 1 for each in found)


# How the texts tell what is asked.
TOLD = {
    "涉案金额是多少元？": r"涉案金额(\d+)元",
    "赔偿了多少元？": r"已赔偿(\d+)元",
    "退缴了多少元？": r"退缴(\d+)元",
}


@pytest.mark.parametrize("split", SPLITS)
def test_amounts_are_those_that_the_text_tells(split):
    counts = Counter()
    for each in records("questions", split):
        for asked, pattern in TOLD.items():
            if each["question"].endswith(asked):
                told = re.findall(pattern, each["context"])
                assert [answer["text"] for answer in each["answers"]] == told
                counts[bool(told)] += 1
    assert counts[True] >= 3 and counts[False] >= 10


def test_a_place_is_asked_for_where_there_is_none():
    asked = [each for each in records("questions", "train") if "在哪里" in each["question"]]
    assert {bool(each["answers"]) for each in asked} == {True, False}
    for each in asked:
        name, deed = each["question"].rstrip("？").split("在哪里")
        told = re.findall(rf"{name}(?:又)?(?:再次)?在([^，。]+?){deed}", each["context"])
        if told:
            assert {answer["text"] for answer in each["answers"]} >= set(told)


@pytest.mark.parametrize("split", SPLITS)
def test_choices(split):
    found = records("choices", split)
    sizes = Counter(len(each["choices"]) for each in found)
    assert set(sizes) == set(range(FEWEST_CHOICES, MOST_CHOICES + 1))
    chance = sum(1 / len(each["choices"]) for each in found) / len(found)
    longest = sum(
        max(each["choices"], key=len) == each["choices"][each["answer"]] for each in found
    )
    for each in found:
        assert len(set(each["choices"])) == len(each["choices"])
        assert each["choices"][each["answer"]] in each["context"]
    # Neither the length nor the place gives an answer away, nor that a choice is in the text.
    assert abs(longest / len(found) - chance) < 0.1
    places = Counter(each["answer"] for each in found)
    assert max(places.values()) < 0.4 * len(found)
    told = [sum(choice in each["context"] for choice in each["choices"]) for each in found]
    assert 0.2 < sum(number > 1 for number in told) / len(found) < 0.6
