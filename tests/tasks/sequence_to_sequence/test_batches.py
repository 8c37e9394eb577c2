import numpy as np

from data_util.tokens.vocabulary import RESERVED, Vocabulary
from tasks.sequence_to_sequence.batches import SequenceToSequenceExamples

VOCABULARY = Vocabulary([*RESERVED, *"abcdefghijkl"])
PAD, CLS, SEP = VOCABULARY.pad_id, VOCABULARY.cls_id, VOCABULARY.sep_id


def examples(targets, longest):
    ids = [np.array(target, np.int32) for target in targets]
    return SequenceToSequenceExamples(ids, ids, VOCABULARY, longest)


def test_a_target_is_predicted_from_what_is_before_it():
    chosen = examples([[5, 6, 7], [8]], 20)
    arrays, weights = chosen.arrays(np.array([1, 0])), chosen.targets(np.array([1, 0]))
    assert arrays["next_ids"].tolist() == [[8, SEP, *[PAD] * 6], [5, 6, 7, SEP, *[PAD] * 4]]
    assert arrays["previous_ids"].tolist() == [
        [CLS, 8, SEP, *[PAD] * 5],
        [CLS, 5, 6, 7, SEP, *[PAD] * 3],
    ]
    assert weights.tolist() == [[1, 1, *[0] * 6], [1, 1, 1, 1, *[0] * 4]]
    assert arrays["next_ids"].dtype == np.int32 and chosen.num_cut == 0


def test_of_a_long_target_the_beginning_is_learned_and_no_end():
    chosen = examples([[5, 6, 7, 8], [9]], 3)
    arrays = chosen.arrays(np.array([0, 1]))
    assert arrays["next_ids"].tolist() == [[5, 6, 7], [9, SEP, PAD]]
    assert arrays["previous_ids"].tolist() == [[CLS, 5, 6], [CLS, 9, SEP]]
    assert chosen.targets(np.array([0, 1])).tolist() == [[1, 1, 1], [1, 1, 0]]
    assert chosen.num_cut == 1
