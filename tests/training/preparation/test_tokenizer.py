import pytest

from common.errors import InputError
from data_util.tokens.vocabulary import Vocabulary
from training.preparation.tokenizer import check_vocabulary_fits


@pytest.fixture
def vocabulary():
    return Vocabulary.from_counts({"word": 2}, 10)


def test_half_of_the_tokens_may_be_unknown(vocabulary):
    for made_here in (True, False):
        check_vocabulary_fits(5, 10, vocabulary, ["a.txt"], made_here=made_here)


def test_a_vocabulary_of_another_text(vocabulary):
    with pytest.raises(InputError, match=r"lacks 60% of the tokens of a\.txt, b\.txt: .* another"):
        check_vocabulary_fits(6, 10, vocabulary, ["a.txt", "b.txt"])


def test_too_little_text_for_the_count_that_is_asked_for(vocabulary):
    with pytest.raises(InputError, match=r"60% .* too rare .* Use --min_count=1") as error:
        check_vocabulary_fits(6, 10, vocabulary, ["a.txt"], made_here=True)
    assert "another" not in str(error.value)
