import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_util.tokens.sentences import split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", []),
        (" \n\t\u3000", []),
        ("没有句号", ["没有句号"]),
        ("他来了。他走了。", ["他来了。", "他走了。"]),
        ("真的吗？是！好；行", ["真的吗？", "是！", "好；", "行"]),
        ("Really? Yes! Fine; go", ["Really?", "Yes!", "Fine;", "go"]),
        ("第一行\n第二行\r\n\r\n第三行\u2028第四行", ["第一行", "第二行", "第三行", "第四行"]),
        ("他说：“我来了。”她走了。", ["他说：“我来了。”", "她走了。"]),
        ("（见附件。）然后（完）。好", ["（见附件。）", "然后（完）。", "好"]),
        ("「是嗎？」『對！』好", ["「是嗎？」", "『對！』", "好"]),
        ("他说“好。”。走", ["他说“好。”。", "走"]),
        ("太好了！！！真的？！走", ["太好了！！！", "真的？！", "走"]),
        ("他想……然后走了。……好", ["他想……然后走了。……", "好"]),
        ("！！", ["！！"]),
        ("……", ["……"]),
        ("One. Two. Three.", ["One.", "Two.", "Three."]),
        ('He said "stop." Then he left. End', ['He said "stop."', "Then he left.", "End"]),
        ("Wait... what", ["Wait...", "what"]),
        ("pi is 3.14 and 1,234.5 in file.ext", ["pi is 3.14 and 1,234.5 in file.ext"]),
        ("see No. 5 and 3. 14", ["see No. 5 and 3. 14"]),
        ("金额3.5万元，共1,234.5元。完", ["金额3.5万元，共1,234.5元。", "完"]),
        ("end.\nnext", ["end.", "next"]),
        ("In the U.S.A. it rains. J. S. Bach", ["In the U.S.A. it rains.", "J. S. Bach"]),
        ("Сахар, соль и т. д. лежат. Всё.", ["Сахар, соль и т. д. лежат.", "Всё."]),
        ("Das Haus z. B. ist groß. Ja!", ["Das Haus z. B. ist groß.", "Ja!"]),
        ("¿Qué? ¡No! Bien.", ["¿Qué?", "¡No!", "Bien."]),
        ("Он сказал «нет!» Потом ушёл.", ["Он сказал «нет!»", "Потом ушёл."]),
        ("هل جاء؟ نعم؛ جاء.", ["هل جاء؟", "نعم؛", "جاء."]),
        ("वह आया। वह गया॥ ठीक", ["वह आया।", "वह गया॥", "ठीक"]),
        ("Եկավ։ Գնաց։", ["Եկավ։", "Գնաց։"]),
        ("한국어입니다. 네!", ["한국어입니다.", "네!"]),
        ("Really‼ Yes", ["Really‼", "Yes"]),
        ("完. 好", ["完.", "好"]),
    ],
)
def test_split(text, sentences):
    assert split_sentences(text) == sentences


PIECES = st.sampled_from([*"。！？；!?;.…”’」）»।؟\"') \n\r\t\u3000\u2028\x1c", *"我aд3“（"])


@given(st.one_of(st.text(), st.lists(PIECES).map("".join)))
def test_nothing_but_white_space_is_lost(text):
    sentences = split_sentences(text)
    assert "".join("".join(sentences).split()) == "".join(text.split())
    assert all(sentence and sentence == sentence.strip() for sentence in sentences)
    assert not any("\n" in sentence for sentence in sentences)


@given(st.lists(PIECES).map("".join))
def test_splitting_again_changes_nothing(text):
    for sentence in split_sentences(text):
        assert split_sentences(sentence) == [sentence]


@pytest.mark.parametrize("unit", [".", ".)", ". ", "。”", "! ", "…", " "])
def test_long_runs_are_read_once(unit):
    # Backtracking would need hours for this.
    text = unit * 200_000
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())
