from benchmarks.questions import first_questions, first_sentence, measured, most_alike, sentences_of
from tasks.question_answering.files import read_questions
from tasks.question_answering.records import Question
from tests.tasks.examples import passage_lines

CONTEXT = "被告人张某在商店盗窃手机，价值800元。当日被抓获。"


def test_sentences_worked_out_by_hand():
    assert sentences_of(CONTEXT) == ["被告人张某在商店盗窃手机", "价值800元", "当日被抓获"]
    assert sentences_of("He came. 3.5 km, or so") == ["He came", "3.5 km", "or so"]
    assert sentences_of("。") == ["。"]
    assert first_sentence("?", CONTEXT) == "被告人张某在商店盗窃手机"
    assert most_alike("手机价值多少元？", CONTEXT) == "价值800元"


def test_every_question_gets_a_sentence():
    questions = [
        Question("价值多少元？", CONTEXT, "f", 1, answers=("800元",)),
        Question("何时？", CONTEXT, "f", 1),
    ]
    found = measured(questions, most_alike, "chinese")
    # Two of the four units 价, 值, 800 and 元.
    assert found["answerable_f1"] == 2 * 2 / 6 and found["unanswerable_accuracy"] == 0


def test_the_first_questions_of_a_file(tmp_path):
    path = tmp_path / "train.json"
    path.write_text("".join(passage_lines(9, 1)), encoding="utf-8")
    assert first_questions(path, None, tmp_path) == path
    first = first_questions(path, 4, tmp_path / "new")
    shown = [(each.record, each.spans) for each in read_questions([str(first)])]
    assert shown == [(each.record, each.spans) for each in read_questions([str(path)])][:4]
