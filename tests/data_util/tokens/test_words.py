import os
from itertools import filterfalse
from pathlib import Path

import pytest
import rjieba
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from data_util.tokens.normalization import visible
from data_util.tokens.tokenizers import make_tokenizer
from data_util.tokens.words import needs_segmenter_only, read_user_words
from tests.real_data import real_file

WORDS = make_tokenizer("word")


def segmented(text):
    """The words of the segmenter alone."""
    return list(filterfalse(str.isspace, rjieba.cut(text)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Вчера шёл дождь, а я забыл зонт.", "Вчера|шёл|дождь|,|а|я|забыл|зонт|."),
        ("Кто-то сказал «нет» в 15:30", "Кто|-|то|сказал|«|нет|»|в|15|:|30"),
        ("Die Gebühr für Käse ist größer als 3,5 €", "Die|Gebühr|für|Käse|ist|größer|als|3|,|5|€"),
        ("Baden-Württemberg-Straße", "Baden|-|Württemberg|-|Straße"),
        ("¿Dónde está el niño? ¡Aquí!", "¿|Dónde|está|el|niño|?|¡|Aquí|!"),
        ("l'été n'est pas l’hiver", "l'été|n'est|pas|l’hiver"),
        ("Tôi học tiếng Việt.", "Tôi|học|tiếng|Việt|."),
        ("Tie\u0302\u0301ng Vie\u0323\u0302t", "Tie\u0302\u0301ng|Vie\u0323\u0302t"),
        ("저는 학교에 갑니다.", "저는|학교에|갑니다|."),
        ("أين الكتاب؟ هنا، ٣٫١٤", "أين|الكتاب|؟|هنا|،|٣٫١٤"),
        ("كِتَابٌ", "كِتَابٌ"),
        ("मैं हिन्दी पढ़ता हूँ।", "मैं|हिन्दी|पढ़ता|हूँ|।"),
        ("שלום עולם", "שלום|עולם"),
        ("Καλημέρα κόσμε", "Καλημέρα|κόσμε"),
        # No spaces: every letter with its marks.
        ("ดีที่", "ดี|ที่"),
        # Katakana words, hiragana one by one, and what the segmenter makes of Han.
        ("東京でコーヒーを飲む", "東京|で|コーヒー|を|飲|む"),
        # English, numbers, names, marks.
        ("I don't know C++ or [MASK].", "I|don't|know|C++|or|[|MASK|]|."),
        ("50% of 3.14 in U.S.A, a-b", "50%|of|3.14|in|U.S.A|,|a-b"),
        ("我在Größe北京的清华大学，iPhone15手机", "我|在|Größe|北京|的|清华大学|，|iPhone15|手机"),
        ("用T恤换A4纸", "用|T恤|换|A4|纸"),
        ("20μg的α粒子", "20μg|的|α|粒子"),
        ("❤\ufe0f👍🏽", "❤|👍|🏽"),
    ],
)
def test_words_by_hand(text, words):
    assert WORDS.tokenize(text) == words.split("|")


CHINESE = st.sampled_from(
    "的一是了我不人在他有这中大来上国盗窃罪被告〇㐀々，。：“”（）、《》…—×％＋１Ａ 　\n\r\t①Ⅷ"
)
ASCII = st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="'")


@given(st.text(st.one_of(CHINESE, ASCII)))
def test_chinese_and_ascii_are_the_segmenters(text):
    assert needs_segmenter_only(text)
    assert WORDS.tokenize(text) == segmented(text)


@given(st.lists(st.text(CHINESE, max_size=9)), st.sampled_from(["Größe", "дом", "l'eau"]))
def test_words_of_other_scripts_leave_chinese_as_it_is(texts, word):
    expected = []
    for number, text in enumerate(texts):
        expected += [word] * (number > 0) + segmented(text)
    assert WORDS.tokenize(f" {word} ".join(texts)) == expected


@pytest.mark.parametrize("source", ["cail2018/valid.json", "legal_corpus/train.txt"])
def test_real_chinese_text_has_the_words_of_the_segmenter(source):
    with open(real_file(source), encoding="utf-8") as file:
        lines = [line for _, line in zip(range(400), file, strict=False)]
    same = [WORDS.tokenize(line) == segmented(line) for line in lines]
    for line, equal in zip(lines, same, strict=True):
        assert equal or not needs_segmenter_only(line)
    assert sum(same) >= 0.99 * len(lines)


@given(st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("我们 äд'’a1-カe\u0301"))))
def test_nothing_visible_is_lost(text):
    assert "".join(WORDS.tokenize(text)) == "".join(visible(text).split())


def test_a_long_run_is_read_once():
    # Quadratic time would be minutes.
    for text in ("a" * 300_000 + " é", "é" * 300_000, "é'" * 100_000, "é " * 100_000):
        assert len("".join(WORDS.tokenize(text))) == len(text) - text.count(" ")


def write(folder, text):
    path = Path(folder) / "words.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_words_of_ones_own(tmp_path):
    path = write(
        tmp_path,
        "\ufeff云计算中心甲 5 n\r\n\n 王小明案 nr\n京清华 900000\nA4打印机\n京清华 800000\n",
    )
    words = read_user_words(path)
    assert words == [
        ("云计算中心甲", 5),
        ("王小明案", None),
        ("京清华", 800_000),
        ("A4打印机", None),
    ]
    own = make_tokenizer("word", user_words=words)
    text = "王小明案在云计算中心甲用A4打印机"
    assert own.tokenize(text) == ["王小明案", "在", "云计算中心甲", "用", "A4打印机"]
    assert own.spans(text)[2] == (5, 11)
    assert WORDS.tokenize(text) == segmented(text) != own.tokenize(text)
    # They are spelled as text is.
    lower = make_tokenizer("word", user_words=words, lower_case=True, normalize="nfkc")
    assert lower.tokenize("Ａ４打印机") == ["a4打印机"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "words.txt: no word"),
        ("盗窃\n诈骗 x1\n", "words.txt:2: a line is a word, its frequency and its part of speech"),
        ("盗窃 1 n x\n", "words.txt:1: a line is a word"),
        ("盗窃 0\n", "words.txt:1: the frequency of a word is a whole number from 1"),
        (f"盗窃 {10**30}\n", "words.txt:1: the frequency of a word is a whole number from 1"),
        (f"{'盗' * 51}\n", "words.txt:1: a word of the user's dictionary consists of up to 50"),
        ("盗窃\nGröße\n", "words.txt:2: a word of the user's dictionary consists of"),
    ],
)
def test_a_wrong_dictionary(tmp_path, text, message):
    with pytest.raises(InputError) as caught:
        read_user_words(write(tmp_path, text))
    assert message in str(caught.value).replace(str(tmp_path) + os.sep, "")
