import pytest

from common.errors import InputError
from data_util.tokens.learned_vocabulary import (
    LearnedFrom,
    extended_vocabulary,
    learn_word_pieces,
    parts_of_new_tokens,
)
from data_util.tokens.tokenizers import make_tokenizer
from data_util.tokens.vocabulary import RESERVED, Vocabulary

TEXT = "他们盗窃手机 __label__x\n他们盗窃机手\n云计算盗窃\n"


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return LearnedFrom([path], tmp_path / "cache")


def kept(source):
    return sorted(source.cache_folder.glob("learned-vocab-*.txt"))


def test_word_pieces_are_learned_once(source):
    pieces = learn_word_pieces(source, vocab_size=30, min_count=1)
    assert {"他", "们", "盗", "窃", "手", "机", "云"} <= set(pieces.tokens)
    assert "x" not in pieces.tokens  # of a label
    (file,) = kept(source)
    file.write_text("\n".join([*RESERVED, "kept", ""]))
    assert learn_word_pieces(source, vocab_size=30, min_count=1).tokens[5:] == ("kept",)
    # Each of these is learned anew.
    for number, changes in enumerate(
        ({"vocab_size": 29}, {"min_count": 2}, {"lower_case": False}, {"normalize": "nfkc"}), 2
    ):
        other = learn_word_pieces(source, **{"vocab_size": 30, "min_count": 1, **changes})
        assert "kept" not in other.tokens
        assert len(kept(source)) == number
    file.write_text("damaged")
    assert learn_word_pieces(source, vocab_size=30, min_count=1).tokens == pieces.tokens


def test_an_extended_vocabulary(source):
    known = Vocabulary([*RESERVED, "盗窃", "手"])
    tokenizer = make_tokenizer("char")
    extended = extended_vocabulary(source, tokenizer, known, max_size=10, min_count=2)
    # 盗, 窃: 3 times; 们, 他, 机: 2 times, by code point; 手 is known.
    assert extended.tokens == (*known.tokens, "盗", "窃", "他")
    same = extended_vocabulary(source, tokenizer, known, max_size=7, min_count=2)
    assert same.tokens == known.tokens
    for file in kept(source):
        file.write_text("\n".join([*RESERVED, "other", "手", ""]))
    with pytest.raises(InputError, match="altered"):
        extended_vocabulary(source, tokenizer, known, max_size=10, min_count=2)


def test_extended_word_pieces(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("Theft thefts ζ aζ a theft\n" * 2, encoding="utf-8")
    known = Vocabulary([*RESERVED, "the", "##ft", "##s", "a", "##t"])
    tokenizer = make_tokenizer("wordpiece", vocabulary=known)
    source = LearnedFrom([path], tmp_path / "cache")
    extended = extended_vocabulary(source, tokenizer, known, max_size=100, min_count=2)
    new = set(extended.tokens[len(known) :])
    assert {"theft", "thefts", "ζ", "aζ", "##ζ"} <= new
    assert not {"a", "the"} & new
    larger = tokenizer.with_vocabulary(extended)
    assert larger.tokenize("Theft aζ") == ["theft", "aζ"]
    parts = dict(
        zip(
            extended.tokens[len(known) :],
            parts_of_new_tokens(extended, known, "wordpiece"),
            strict=True,
        )
    )
    assert [known.tokens[part] for part in parts["thefts"]] == ["the", "##ft", "##s"]
    assert [known.tokens[part] for part in parts["aζ"]] == ["a"]
    assert [known.tokens[part] for part in parts["##ζ"]] == ["[UNK]"]


def test_parts_by_hand():
    known = Vocabulary([*RESERVED, "盗窃", "盗", "罪", "[unused1]", "犯罪"])
    new = ["盗窃罪", "盗犯罪", "云盗", "云", "罪盗窃", "[UNK"]
    parts = parts_of_new_tokens(Vocabulary([*known.tokens, *new]), known, "word")
    named = [[known.tokens[part] for part in ids] for ids in parts]
    assert named == [
        ["盗窃", "罪"],
        ["盗", "犯罪"],
        ["盗"],
        ["[UNK]"],
        ["罪", "盗窃"],
        ["[UNK]"],
    ]
