"""Batches of what the objectives read, and the values that their targets may have."""

import itertools

import numpy as np

from models.build import INPUTS

VOCAB_SIZE = 40
LENGTHS = [10, 8, 9, 10]
# The array that holds what is to be predicted, and the values that each of its elements may have.
TOKENS = range(VOCAB_SIZE)
TARGETS = {
    "causal_lm": ("next_ids", TOKENS),
    "denoising": ("decoded_ids", TOKENS),
    "label_mention": ("mentioned_labels", (0, 1)),
    "masked_lm": ("masked_ids", TOKENS),
    "neighbour_sentence": ("neighbour_offset", (1, -1)),
    "next_sentence": ("pair_kind", (0, 1)),
    "permutation_lm": ("permuted_ids", TOKENS),
    "prefix_lm": ("next_ids", TOKENS),
    "replaced_token": ("masked_ids", TOKENS),
    "sentence_order": ("pair_kind", (1, 2)),
    "sentence_structure": ("pair_kind", (0, 1, 2)),
    "span_boundary": ("masked_ids", TOKENS),
    "toy": ("swapped", (0, 1)),
    "two_way_lm": ("next_ids", TOKENS),
    "word_order": ("shuffled_ids", TOKENS),
}
# Of the arrays that hold something else than tokens.
VALUES = {"segment_ids": (0, 1), "span_offsets": (0, 1, 2)}


def batch_for(model):
    """A batch of what the model reads, drawn by the arrays' names; padding is garbage."""
    rng, sizes = np.random.default_rng(3), {"batch": len(LENGTHS), "length": max(LENGTHS)}
    allowed = {**VALUES, **dict(TARGETS[one] for one in model.objectives)}
    real = np.arange(max(LENGTHS)) < np.array(LENGTHS)[:, None]
    batch = {}
    for name, array in {**INPUTS, **model.arrays}.items():
        shape = [one if isinstance(one, int) else sizes.get(one, 3) for one in array.shape]
        if name == "padding_mask":
            batch[name] = real
        elif name.endswith("_weights"):
            # Padding is never a target.
            batch[name] = (real if "length" in array.shape else np.ones(shape)).astype(array.dtype)
        elif name.endswith("_positions"):
            places = [rng.permutation(length)[: shape[1]] for length in LENGTHS]
            batch[name] = np.stack(places).astype(array.dtype)
        else:
            choices = np.array(allowed.get(name, TOKENS))
            # As many of each value as can be, so that there is something to tell apart.
            values = choices[np.arange(np.prod(shape)) % len(choices)]
            if name != "mentioned_labels":  # whose rows have a 1 each
                values = rng.permutation(values)
            batch[name] = values.reshape(shape).astype(array.dtype)
    return batch


def target_term(model, batch):
    """The term whose targets `TARGETS` names: the first one."""
    return next(iter(model(batch).values()))


def values_of(objective, target):
    """All values that the targets of one loss could have, in place of those of the batch."""
    if objective == "neighbour_sentence":
        # Counted from each row on.
        yield from (row - np.arange(len(target), dtype=target.dtype) for row in range(len(target)))
        return
    # The loss of a row is of all of its labels together.
    width = target.shape[-1] if objective == "label_mention" else 1
    for values in itertools.product(TARGETS[objective][1], repeat=width):
        yield np.broadcast_to(np.array(values, target.dtype), target.shape)


def other_value(value, allowed):
    """Another one of the allowed values."""
    return next(other for other in allowed if other != value)
