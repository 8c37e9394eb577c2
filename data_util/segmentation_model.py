"""What Chinese word segmentation knows: jieba's dictionary and its hidden Markov model."""

import functools
import math
from importlib.machinery import SourceFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from data_util.characters import FIRST_HAN, LAST_HAN
from data_util.prefix_tree import PrefixTree, prefix_tree

# A character begins a word, ends one, is within one or is one. The order is that of jieba's letters
# B, E, M and S: of two ways that are as likely it takes the later one.
STATES = "BEMS"
_IMPOSSIBLE = -3.14e100


class SegmentationModel(NamedTuple):
    """In arrays that machine code reads; all scores are natural logarithms of probabilities.

    Attributes:
        words: of the dictionary, with the share of each among all words of the text it was
            counted in.
        unknown: the score of a character that is no word of the dictionary.
        start: (4,) float64, of the `STATES` at a beginning.
        transitions: (4, 4) float64, from a state to the next.
        emissions: (characters from `FIRST_HAN` to `LAST_HAN`, 4) float64, of a character in a
            state.
    """

    words: PrefixTree
    unknown: float
    start: np.ndarray
    transitions: np.ndarray
    emissions: np.ndarray


@functools.cache
def segmentation_model() -> SegmentationModel:
    """Reads the model out of the package jieba, once a process. It takes half a second."""
    folder = Path(str(find_spec("jieba").origin)).parent  # type: ignore[union-attr]
    # A line is a word, its count and its part of speech.
    fields = (folder / "dict.txt").read_text(encoding="utf-8").split()
    counts = np.array(list(map(int, fields[1::3])))
    total = math.log(counts.sum())
    order = np.argsort(-counts, kind="stable")
    # Python's logarithm, as jieba takes it: so what is as likely there is as likely here.
    distinct, inverse = np.unique(counts[order], return_inverse=True)
    scores = np.array([math.log(count or 1) - total for count in distinct])[inverse]
    start = _probabilities(folder, "start")
    transitions = _probabilities(folder, "trans")
    emissions = np.full((LAST_HAN - FIRST_HAN + 1, len(STATES)), _IMPOSSIBLE)
    for column, of_state in enumerate(map(_probabilities(folder, "emit").__getitem__, STATES)):
        han = [char for char in of_state if FIRST_HAN <= ord(char) <= LAST_HAN]
        places = [ord(char) - FIRST_HAN for char in han]
        emissions[places, column] = [of_state[char] for char in han]
    return SegmentationModel(
        words=prefix_tree([fields[3 * place] for place in order], scores),
        unknown=math.log(1) - total,
        start=np.array([start[state] for state in STATES]),
        transitions=np.array(
            [[transitions[a].get(b, _IMPOSSIBLE) for b in STATES] for a in STATES]
        ),
        emissions=emissions,
    )


def _probabilities(folder: Path, name: str) -> dict[str, Any]:
    """A table of jieba's, without an import of jieba, which does much more."""
    path = folder / "finalseg" / f"prob_{name}.py"
    loader = SourceFileLoader(f"jieba_prob_{name}", str(path))
    module = module_from_spec(spec_from_loader(loader.name, loader))  # type: ignore[arg-type]
    loader.exec_module(module)
    return module.P
