import numpy as np
import pytest

from data_util.tokens.tokenizers import make_tokenizer
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from tasks.data import TextEncoder
from tasks.token_classification.batches import TokenExamples, unit_tags
from tasks.token_classification.passages import (
    Passage,
    encode,
    in_characters,
    joined,
    scores_of,
    unit_range,
)
from tasks.token_classification.tags import Entity, tag_names

PIECES = [*RESERVED, "play", "##ing", "john", "##son", "北", "京", "in"]


def encoder(style, length=12):
    vocabulary = Vocabulary(PIECES)
    return TextEncoder(make_tokenizer(style, vocabulary=vocabulary), vocabulary, length)


def encoded(style, passage, length=12, overlap=2):
    (found,) = encode([passage], encoder(style, length), overlap)
    return found


def test_the_first_piece_of_a_word_carries_its_tag():
    found = encoded("wordpiece", Passage("Johnson playing in 北京"))
    assert found.units.tolist() == [[0, 7], [8, 15], [16, 18], [19, 20], [20, 21]]
    assert found.first.tolist() == [0, 2, 4, 5, 6]
    # Words that are given are units, whatever their pieces.
    found = encoded("wordpiece", joined(["Johnson", "playing-in", "北京"]))
    assert found.units.tolist() == [[0, 7], [8, 18], [18, 20]]
    assert found.first.tolist() == [0, 2, 6]


def test_a_token_may_reach_over_several_words():
    # 北京 is a word of the segmenter, and the file has single characters.
    found = encoded("word", joined(["在", "北", "京", "　"]))
    assert found.units.tolist() == [[0, 1], [1, 3]]
    assert found.first.tolist() == [0, 1]
    assert encoded("char", joined(["北", "京"])).units.tolist() == [[0, 1], [1, 2]]
    assert encoded("char", joined(["北京"])).units.tolist() == [[0, 2]]


def test_spaces_between_words():
    assert joined(["U.S.", "北", "京", "!", "ok", "go"]).text == "U.S.北京! ok go"
    assert joined(["a"]).words == ((0, 1),)


def test_no_tokens():
    found = encoded("char", Passage(" \u200b"))
    assert found.units.shape == (0, 2) and found.windows == [(0, 0)]
    assert scores_of(found, np.zeros((1, 2, 3))).shape == (0, 3)


def test_scores_are_from_the_window_with_most_around():
    text = "天地人甲乙丙丁戊"
    found = encoded("char", Passage(text), length=6, overlap=2)
    assert found.windows == [(0, 4), (2, 6), (4, 8)]
    logits = np.zeros((3, 6, 1))
    for window, (start, end) in enumerate(found.windows):
        for position in range(start, end):
            logits[window, 1 + position - start] = 100 * window + position
    expected = [0, 1, 2, 103, 104, 205, 206, 207]
    assert scores_of(found, logits)[:, 0].tolist() == expected


def test_units_of_a_span():
    units = np.array([[0, 2], [2, 3], [5, 7]])
    assert unit_range(units, 0, 2) == (0, 1)
    assert unit_range(units, 1, 3) == (0, 2)
    assert unit_range(units, 3, 5) == (2, 2)
    assert unit_range(units, 4, 6) == (2, 3)


def test_tags_of_units_and_back():
    found = encoded("word", Passage("在北京 playing"))
    names = tag_names(["A", "B"], "bio")
    # The first ends within 北京, and the second has what is left; C is no label of the task.
    entities = [Entity("A", 0, 2), Entity("B", 2, 3), Entity("B", 4, 11)]
    tags, inexact = unit_tags(found, entities, names, "bio")
    assert [names[tag] for tag in tags] == ["B-A", "I-A", "B-B"] and inexact == 2
    assert in_characters(found, [Entity("A", 0, 2)]) == [Entity("A", 0, 3)]
    tags, inexact = unit_tags(found, [Entity("C", 4, 11)], names, "bio")
    assert tags.tolist() == [0, 0, 0] and inexact == 0
    tags, _ = unit_tags(found, [Entity("N", 0, 1)], ("N", "V"), "plain")
    assert tags.tolist() == [0, -1, -1]


@pytest.mark.parametrize("style", ["char", "wordpiece"])
def test_each_tag_counts_once(style):
    text = "天地人甲乙丙丁戊 Johnson"
    found = encoded(style, Passage(text), length=6, overlap=2)
    tags = np.arange(len(found.units)) % 5
    tags[3] = -1
    examples = TokenExamples([found, found], [tags, tags], 6, 5)
    targets = examples.targets(np.array([1, 0]))
    rows = len(found.windows)
    assert len(examples.rows(0)) == rows and examples.lengths.tolist() == [6, 6]
    assert targets["tags"].shape == (2 * rows, 6)
    assert targets["tag_weights"].sum() == 2 * (tags >= 0).sum()
    for row in range(2 * rows):
        places = np.flatnonzero(targets["tag_weights"][row])
        chain = targets["tags"][row, places].tolist()
        assert targets["previous_tags"][row, places].tolist() == [5, *chain[:-1]]
        assert targets["last_tags"][row] == chain[-1]
        window, (start, _) = row % rows, found.windows[row % rows]
        for place in places:
            unit = found.first.tolist().index(place - 1 + start)
            assert targets["tags"][row, place] == tags[unit] and window < rows
