import numpy as np
import pytest

from data_util.inputs import rows_to_inputs
from data_util.tokens.tokenizers import make_tokenizer
from data_util.tokens.vocabulary import RESERVED, Vocabulary
from tasks.data import TextEncoder
from tasks.question_answering.encoded import WindowSettings, encode_questions


def encoder(length=12, style="char"):
    vocabulary = Vocabulary([*RESERVED, *"甲乙天地人", "the", "red", "car"])
    return TextEncoder(make_tokenizer(style), vocabulary, length)


def encoded(question, context, text, overlap=2, most=64):
    return encode_questions([(question, context)], text, WindowSettings(overlap, most))[0]


def test_rows_have_the_question_and_a_window_each():
    text = encoder(9)
    one = encoded("甲乙", "天地人甲乙天地", text)
    # Nine positions without [CLS], two [SEP] and the question are four; two of them are in both.
    assert one.windows == [(0, 4), (2, 6), (3, 7)]
    inputs = rows_to_inputs(one.rows(), text.vocabulary, 9)
    ids = text.vocabulary.encode("甲乙天地人").tolist()
    cls, sep = text.vocabulary.cls_id, text.vocabulary.sep_id
    assert inputs["token_ids"][0].tolist() == [cls, *ids[:2], sep, *ids[2:], ids[0], sep]
    assert one.offset == 4 and len(one) == 9
    for row, (start, end) in zip(inputs["token_ids"], one.windows, strict=True):
        assert row[one.offset :][: end - start].tolist() == one.context[start:end].tolist()


def test_a_long_question_and_an_empty_passage():
    one = encoded("甲" * 50, "天地", encoder(12))
    assert len(one.question) == 4 and one.windows == [(0, 2)]
    assert len(encoded("甲" * 50, "天地", encoder(12), most=2).question) == 2
    one = encoded("甲", "\u200b", encoder(12))
    assert len(one.context) == 0 and one.windows == [(0, 0)] and len(one.rows()) == 1


@pytest.mark.parametrize("style", ["char", "word"])
def test_parts_of_the_passage_and_their_tokens(style):
    context = "  the  red car, 天地\n人"
    one = encoded("甲", context, encoder(60, style))
    for first in range(len(one.context)):
        for last in range(first, len(one.context)):
            start, end = one.characters_of(first, last)
            assert one.tokens_of(start, end) == (first, last)
            # White space around a part belongs to no token.
            while start > 0 and context[start - 1].isspace():
                start -= 1
            assert one.tokens_of(start, end) == (first, last)
    assert one.tokens_of(0, 1) is None
    place = context.index("r")
    first, last = one.tokens_of(place, place + 1)
    start, end = one.characters_of(first, last)
    assert context[start:end] == {"char": "r", "word": "red"}[style]


def test_a_passage_is_tokenized_once_for_all_its_questions():
    text, seen = encoder(), []
    spans = text.tokenizer.spans
    text.tokenizer.spans = lambda passage: seen.append(passage) or spans(passage)
    records = [("甲", "天地"), ("乙", "人"), ("乙", "天地")]
    found = encode_questions(records, text, WindowSettings())
    assert seen == ["天地", "人"]
    assert [each.text for each in found] == ["天地", "人", "天地"]
    np.testing.assert_array_equal(found[0].context, found[2].context)
