import numpy as np

from data_util.tokens.ngram_table import NgramTable
from tasks.classification.encoded import EncodedText

TEXT = EncodedText(np.array([5, 6, 7, 8], np.int32), ("a", "b", "c", "d"))


def test_a_part_of_a_text():
    part = TEXT[1:3]
    assert (part.ids.tolist(), part.tokens) == ([6, 7], ("b", "c"))
    assert len(part) == 2 and len(TEXT) == 4


def test_covered_tokens():
    covered = TEXT.cover(1, 3, 4)
    assert covered.ids.tolist() == [5, 4, 4, 8]
    assert covered.ids.dtype == np.int32
    assert (covered.tokens[0], covered.tokens[3]) == ("a", "d")
    # The text itself is unchanged.
    assert (TEXT.ids.tolist(), TEXT.tokens) == ([5, 6, 7, 8], ("a", "b", "c", "d"))


def test_covered_tokens_have_no_ngram():
    table = NgramTable.build([TEXT.tokens], min_documents=1)
    known = {ngram for each in table.ngrams for ngram in each}
    ids, _ = table.features(TEXT.cover(1, 3, 4).tokens)
    left = {ngram for each in table.ngrams for ngram in each if set(ngram) & set("bc")}
    names = [ngram for each in table.ngrams for ngram in each]
    assert {names[id] for id in ids} == known - left == {"a", "d", "a ", " d"}


def test_a_text_without_tokens():
    """Where the model reads no n-grams."""
    covered = EncodedText(np.array([5, 6], np.int32)).cover(0, 1, 4)
    assert (covered.ids.tolist(), covered.tokens) == ([4, 6], ())
    assert covered[:1].tokens == ()
