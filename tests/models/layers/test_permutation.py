import numpy as np

from models.layers.permutation import permutation_masks


def test_masks_by_hand():
    """[CLS] a b c d [PAD]: d (position 4) is predicted first, then b (2); a third slot is free."""
    padding_mask = np.array([[True] * 5 + [False]])
    content, query = permutation_masks(np.array([[4, 2, 0]]), padding_mask)
    known = [1, 1, 0, 1, 0, 0]
    assert np.asarray(content[0]).astype(int).tolist() == [
        known,
        known,
        [1, 1, 1, 1, 1, 0],  # b: all that is known, d and itself
        known,
        [1, 1, 0, 1, 1, 0],  # d: all that is known and itself
        known,
    ]
    assert np.asarray(query[0]).astype(int).tolist() == [
        known,  # d, which sees no target
        [1, 1, 0, 1, 1, 0],  # b, which sees d
        [1, 1, 1, 1, 1, 0],
    ]
