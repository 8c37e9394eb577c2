"""The head of a fine-tuned model as the start of another one."""

import keras

from models.checkpoints.transfer import named_variables


def copy_head(head: keras.layers.Layer, learned: keras.layers.Layer) -> bool:
    """Copies all weights of a head, if the two have the same.

    Args:
        head: a built head.
        learned: the head that is copied.

    Returns:
        Whether it was copied; if not, nothing is changed.
    """
    ours, theirs = named_variables(head), named_variables(learned)
    if {name: tuple(each.shape) for name, each in ours.items()} != {
        name: tuple(each.shape) for name, each in theirs.items()
    }:
        return False
    for name, variable in ours.items():
        variable.assign(theirs[name])
    return True
