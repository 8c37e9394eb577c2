import numpy as np

from tasks.question_answering.batches import QuestionExamples
from tests.tasks.question_answering.questions import question_of


def test_all_answers_of_each_window():
    # Windows (0, 6), (3, 9), (4, 10); a window's first token is at position 4.
    examples = QuestionExamples(
        [question_of(10), question_of(3), question_of(3), question_of(3)],
        [[(1, 1), (4, 5), (8, 9)], [], [], [(0, 2)]],
        [True, False, True, True],
    )
    targets = examples.targets(np.array([0, 1, 2, 3]))
    assert targets["starts"].tolist() == [[5, 8], [5, -1], [4, 8], [0, -1], [0, -1], [4, -1]]
    assert targets["ends"].tolist() == [[5, 9], [6, -1], [5, 9], [0, -1], [0, -1], [6, -1]]
    # The third question has an answer that stands nowhere: nothing can be learned from it.
    assert targets["row_weights"].tolist() == [1, 1, 1, 1, 0, 1]
    assert examples.lengths.tolist() == [11, 8, 8, 8]
    assert [len(row) for row in examples.rows(0)] == [2, 2, 2]


def test_a_window_that_only_cuts_an_answer_has_no_weight():
    examples = QuestionExamples([question_of(10)], [[(2, 8)]], [True])
    assert examples.targets(np.array([0]))["row_weights"].tolist() == [0, 0, 0]
    examples = QuestionExamples([question_of(10)], [[(0, 2)]], [True])
    targets = examples.targets(np.array([0]))
    assert targets["starts"].tolist() == [[4], [0], [0]]
    assert targets["row_weights"].tolist() == [1, 1, 1]
