import pytest

from data_util.sample.charges import CHARGES
from data_util.sample.documents import fill, make_documents, slots_of
from data_util.sample.draws import Draws


def test_spans_are_those_of_the_words():
    for document in make_documents(50, 1, "test", set(), 0.9):
        found = [(slot, document.text[a:b]) for _, slot, a, b in document.spans]
        words = [pair for each in document.sentences for pair in each.words.items()]
        assert found == words
        for sentence in document.sentences:
            assert sentence.template.format(**sentence.words) == sentence.text
            assert slots_of(sentence.template) == list(sentence.words)
        assert {word for slot, word in found if slot == "name"} == {document.name}


def test_unknown_slot_is_named():
    with pytest.raises(ValueError, match="no slot 'weather'"):
        fill("{weather}", CHARGES[0], "张某某", Draws(1, "test"))
