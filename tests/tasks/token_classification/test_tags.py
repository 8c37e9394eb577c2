import pytest

from tasks.token_classification.tags import (
    Entity,
    TagError,
    entities_of,
    may_follow,
    scheme_of,
    tag_names,
    tags_of,
)

A, B = "A", "B"


@pytest.mark.parametrize(
    ("scheme", "tags"),
    [
        ("bio", "B-A I-A O B-B B-B I-B B-A"),
        ("iob1", "I-A I-A O I-B B-B I-B I-A"),
        ("bioes", "B-A E-A O S-B B-B E-B S-A"),
        ("bioes", "B-A L-A O U-B B-B L-B U-A"),
        ("bioes", "B-A E-A O S-B B-B E-B S-A"),
    ],
)
def test_the_same_entities_in_each_scheme(scheme, tags):
    tags = tags.split()
    expected = [Entity(A, 0, 2), Entity(B, 3, 4), Entity(B, 4, 6), Entity(A, 6, 7)]
    assert scheme_of([tags]) == scheme
    assert entities_of(tags, scheme) == expected
    if scheme != "iob1":
        spelled = tags_of(expected, 7, scheme)
        assert entities_of(spelled, scheme) == expected


def test_segmentation_and_parts_of_speech():
    assert scheme_of([["B", "M", "E", "S"]]) == "bioes"
    assert entities_of(["B", "M", "E", "S"], "bioes") == [Entity("_", 0, 3), Entity("_", 3, 4)]
    assert scheme_of([["NN", "O"]]) == "plain"
    assert entities_of(["NN", "VB"], "plain") == [Entity("NN", 0, 1), Entity("VB", 1, 2)]
    assert tags_of([Entity("NN", 0, 1)], 2, "plain") == ["NN", "O"]


@pytest.mark.parametrize(
    ("scheme", "tags", "index", "words"),
    [
        ("bio", "O I-A", 1, "neither B-A nor I-A"),
        ("bio", "B-A I-B", 1, "neither B-B nor I-B"),
        ("bio", "B-A E-A", 1, "BIOES"),
        ("bio", "B-A NN", 1, "no tag such as"),
        ("iob1", "I-A O B-A", 2, "IOB1"),
        ("bioes", "B-A O", 1, "no E-"),
        ("bioes", "O E-A", 1, "no B-A"),
        ("bioes", "B-A B-A E-A", 1, "within A"),
        ("bioes", "O B-A I-A", 2, "no E-"),
    ],
)
def test_tags_that_their_scheme_does_not_allow(scheme, tags, index, words):
    with pytest.raises(TagError, match=words) as raised:
        entities_of(tags.split(), scheme)
    assert raised.value.index == index


@pytest.mark.parametrize("scheme", ["bio", "bioes"])
def test_what_may_follow_is_what_can_be_read(scheme):
    names = tag_names([A, B], scheme)
    for first in names:
        for second in names:
            for third in names:
                tags = [first, second, third]
                allowed = all(
                    may_follow(before, tag, scheme)
                    for before, tag in zip([None, *tags], [*tags, None], strict=True)
                )
                try:
                    entities = entities_of(tags, scheme)
                except TagError:
                    assert not allowed
                else:
                    assert allowed
                    assert tags_of(entities, 3, scheme) == tags
