from types import SimpleNamespace

from tasks.token_classification.passages import Passage, joined
from tasks.token_classification.result import ConllFormat, tagging
from tasks.token_classification.tags import Entity


def test_a_result():
    found = tagging("张三 said", [Entity("PER", 0, 2)], [0.12345678])
    assert found == {
        "entities": [
            {"start": 0, "end": 2, "text": "张三", "label": "PER", "probability": 0.123457}
        ]
    }


def test_conll():
    form = ConllFormat(SimpleNamespace(scheme="bio"))
    text = "Ann-Lee's in 北京 7.5!"
    result = tagging(text, [Entity("P", 0, 7), Entity("L", 13, 15)], [1.0, 1.0])
    found = form.line(Passage(text), result)
    assert found.split() == [
        "Ann-Lee", "B-P", "'s", "O", "in", "O", "北", "B-L", "京", "I-L",
        "7", "O", ".", "O", "5", "O", "!", "O",
    ]  # fmt: skip
    words = joined(["Ann-Lee's", "北京"])
    result = tagging(words.text, [Entity("P", 0, 9), Entity("L", 9, 11)], [1.0, 1.0])
    assert form.line(words, result) == "Ann-Lee's\tB-P\n北京\tB-L\n\n"
    assert form.line(None, {"entities": []}) == "\n" and form.end() == ""
