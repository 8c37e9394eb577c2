import json

import pytest

from common.errors import InputError
from data_util.choices import TOKENIZE_STYLES
from data_util.tokens.tokenizer_files import load_tokenizer, save_tokenizer
from data_util.tokens.tokenizers import OLD_RULES, Tokenizer, make_tokenizer
from data_util.tokens.vocabulary import RESERVED, Vocabulary

VOCABULARY = Vocabulary([*RESERVED, "我", "们", "He", "##llo", "hello", ",", "1", "##2"])
TEXT = "被告人在北京盗窃3.14元，\r\n\u3000 Hello Größe [MASK]\t\u200b[unused1]\n"


def make(style: str, lower_case: bool | None = None, **settings) -> Tokenizer:
    return make_tokenizer(style, lower_case=lower_case, vocabulary=VOCABULARY, **settings)


@pytest.mark.parametrize("style", TOKENIZE_STYLES)
@pytest.mark.parametrize("lower_case", [True, False])
@pytest.mark.parametrize("normalize", ["none", "nfkc"])
def test_saved_tokenizers_are_the_same(tmp_path, style, lower_case, normalize):
    tokenizer = make(style, lower_case, normalize=normalize)
    path = tmp_path / "tokenizer.json"
    save_tokenizer(tokenizer, path)
    assert json.loads(path.read_text()) == {
        "format_version": 3,
        "style": style,
        "lower_case": lower_case,
        "normalize": normalize,
        **({"segmenter": "rjieba"} if style == "word" else {}),
    }
    other = load_tokenizer(path, VOCABULARY)
    assert other.config() == tokenizer.config()
    assert other.tokenize(TEXT) == tokenizer.tokenize(TEXT)


def test_the_users_dictionary_is_saved(tmp_path):
    words = [("云计算中心甲", None), ("京清华", 9_000)]
    tokenizer = make("word", user_words=words)
    path = tmp_path / "tokenizer.json"
    save_tokenizer(tokenizer, path)
    assert json.loads(path.read_text())["user_dictionary"] == [
        ["云计算中心甲", None],
        ["京清华", 9000],
    ]
    other = load_tokenizer(path, None)
    text = "他在云计算中心甲工作"
    assert other.tokenize(text) == tokenizer.tokenize(text) == ["他", "在", "云计算中心甲", "工作"]
    assert other.identity() == tokenizer.identity() != make("word").identity()
    # Not the words themselves, which may be many, but something that stands for them.
    others = make("word", user_words=[*words[:1], ("京清华", 9_001)])
    assert others.identity() != tokenizer.identity()
    assert len(tokenizer.identity()["user_dictionary"]) == 64
    # Other tokenizers have the plain dictionary.
    assert "云计算中心甲" not in make("word").tokenize(text)


WORD_AND = (
    '{"format_version": 3, "style": "word", "lower_case": false, "segmenter": "rjieba", '
    '"user_dictionary": %s}'
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "a tokenizer is expected here, but this is not"),
        ("[" * 100_000, "a tokenizer is expected here, but this is not"),
        ("[]", "not a JSON object"),
        ("{}", "format version None"),
        ('{"format_version": 4, "style": "char", "lower_case": false}', "format version 4"),
        ('{"format_version": true, "style": "char", "lower_case": false}', "version True"),
        ('{"format_version": 1, "style": "char"}', "has the keys"),
        ('{"format_version": 1, "style": "char", "lower_case": false, "x": 1}', "has the keys"),
        ('{"format_version": 1, "style": "bpe", "lower_case": false}', "style must be one of"),
        ('{"format_version": 1, "style": ["char"], "lower_case": false}', "style must be one of"),
        ('{"format_version": 1, "style": "char", "lower_case": 0}', "lower_case must be true or"),
        ('{"format_version": 2, "style": "char", "lower_case": 0}', "lower_case must be true or"),
        ('{"format_version": 2, "style": "word", "lower_case": false}', "has the keys"),
        (
            '{"format_version": 1, "style": "word", "lower_case": false, "segmenter": "rjieba"}',
            "has the keys",
        ),
        (
            '{"format_version": 2, "style": "char", "lower_case": false, "segmenter": "rjieba"}',
            "has the keys",
        ),
        (
            '{"format_version": 2, "style": "word", "lower_case": false, "segmenter": "pkuseg"}',
            "segmenter must be rjieba. Received: 'pkuseg'",
        ),
        (
            '{"format_version": 2, "style": "word", "lower_case": false, "segmenter": ["rjieba"]}',
            "segmenter must be rjieba",
        ),
        (
            '{"format_version": 2, "style": "char", "lower_case": false, "normalize": "nfc"}',
            "has the keys",
        ),
        (
            '{"format_version": 3, "style": "char", "lower_case": false, "normalize": "nfd"}',
            "normalize must be one of none, nfc, nfkc. Received: 'nfd'",
        ),
        (
            '{"format_version": 3, "style": "char", "lower_case": false, "user_dictionary": []}',
            "has the keys format_version, style, lower_case, normalize. Received",
        ),
        (WORD_AND % "{}", "user_dictionary must be a list"),
        (WORD_AND % '["盗窃"]', "an entry of user_dictionary is a word and its frequency"),
        (WORD_AND % '[["盗 窃", 1]]', "a word of the user's dictionary consists of"),
        (WORD_AND % '[["盗窃", 0]]', "the frequency of a word is a whole number from 1"),
        (WORD_AND % '[["盗窃", 1.5]]', "the frequency of a word is a whole number from 1"),
    ],
)
def test_load_refuses(tmp_path, content, message):
    path = tmp_path / "tokenizer.json"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        load_tokenizer(path, VOCABULARY)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("style", TOKENIZE_STYLES)
@pytest.mark.parametrize("lower_case", [True, False])
def test_a_file_of_an_earlier_version_is_read(tmp_path, caplog, version, style, lower_case):
    path = tmp_path / "tokenizer.json"
    content = {"format_version": version, "style": style, "lower_case": lower_case}
    if style == "word" and version == 2:
        content["segmenter"] = "rjieba"
    path.write_text(json.dumps(content))
    tokenizer = load_tokenizer(path, VOCABULARY)
    expected = make(style, lower_case, rules=OLD_RULES)
    assert tokenizer.config() == expected.config()
    assert tokenizer.config()["format_version"] == 2
    assert tokenizer.tokenize(TEXT) == expected.tokenize(TEXT)
    # Only words were cut differently by version 1.
    warned = "another Chinese word segmenter" in caplog.text
    assert warned == (style == "word" and version == 1)


def test_text_is_cut_as_when_the_checkpoint_was_trained(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(
        '{"format_version": 2, "style": "word", "lower_case": false, "segmenter": "rjieba"}'
    )
    text = "盗窃\u200bGröße don't"
    old = ["盗窃", "\u200b", "Gr", "ö", "ß", "e", "don", "'", "t"]
    assert load_tokenizer(path, None).tokenize(text) == old
    assert make("word").tokenize(text) == ["盗窃", "Größe", "don't"]


def test_a_file_without_normalization_has_none(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text('{"format_version": 3, "style": "char", "lower_case": false}')
    assert load_tokenizer(path, None).tokenize("㎏\u200b") == ["㎏"]


def test_a_file_of_this_version_is_read_without_a_warning(tmp_path, caplog):
    path = tmp_path / "tokenizer.json"
    save_tokenizer(make("word"), path)
    load_tokenizer(path, None)
    assert not caplog.text
