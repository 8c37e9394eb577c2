"""Text into words: the likeliest ones of a dictionary, and new ones by a hidden Markov model.

This is what jieba does (https://github.com/fxsjy/jieba, `cut` with its defaults), in machine code
over arrays. A run of Chinese characters, letters and digits is cut along the path of words with
the largest product of probabilities. Where characters are left single side by side,
`data_util/new_words.py` has the last say.
"""

from typing import NamedTuple

import numpy as np

from data_util.characters import is_of_a_run
from data_util.compiled import compiled
from data_util.new_words import new_words
from data_util.prefix_tree import NO_WORD, NOTHING, PrefixTree, child, first_child
from data_util.segmentation_model import SegmentationModel


class _Scratch(NamedTuple):
    """Room for a run of characters; what is in it is of the run that is being cut.

    Attributes:
        best: (length + 1,) float64, the score of the likeliest words from a place to the end.
        following: (length,) int32, where the first of those words ends.
        came_from: (length,) int8, which state is before each state, a bit a state.
    """

    best: np.ndarray
    following: np.ndarray
    came_from: np.ndarray


@compiled
def segment(text: np.ndarray, model: SegmentationModel) -> np.ndarray:
    """Cuts a text into words.

    What is no part of a run of Chinese characters, letters, digits and +#&._%- is a word a
    character, white space too.

    Args:
        text: (characters,) int32, its code points.

    Returns:
        (words,) int32, where each word ends, one past its last character; the next begins there.
    """
    ends = np.empty(text.size, np.int32)
    scratch = _scratch(1000)
    count = begin = 0
    while begin < text.size:
        end = begin + 1
        if is_of_a_run(text[begin]):
            while end < text.size and is_of_a_run(text[end]):
                end += 1
            if end - begin > scratch.following.size:
                scratch = _scratch(2 * (end - begin))
            run = text[begin:end]
            _find_path(run, model, scratch)
            words = _words_of_path(run, model, scratch, ends[count:])
            for _ in range(words):
                ends[count] += begin
                count += 1
        else:
            ends[count] = end
            count += 1
        begin = end
    return ends[:count].copy()


@compiled
def _scratch(length: int) -> _Scratch:
    return _Scratch(
        np.empty(length + 1, np.float64), np.empty(length, np.int32), np.empty(length, np.int8)
    )


@compiled
def _find_path(run: np.ndarray, model: SegmentationModel, scratch: _Scratch) -> None:
    """Fills in the likeliest words, from the last place to the first."""
    best, scores = scratch.best, model.words.scores
    best[run.size] = 0.0
    for place in range(run.size - 1, -1, -1):
        node = first_child(model.words, run[place])
        # The score of no word is minus infinity and never wins; of equal ones the longer word does.
        top, stop = scores[node] + best[place + 1], place + 1
        for last in range(place + 1, run.size):
            node = child(model.words, node, run[last])
            if node == NOTHING:
                break
            score = scores[node] + best[last + 1]
            if score > NO_WORD and score >= top:
                top, stop = score, last + 1
        if top == NO_WORD:
            top = model.unknown + best[place + 1]
        best[place] = top
        scratch.following[place] = stop


@compiled
def _words_of_path(
    run: np.ndarray, model: SegmentationModel, scratch: _Scratch, ends: np.ndarray
) -> int:
    """Writes where the words end, those of single characters side by side looked at once more."""
    count = place = singles = 0
    while place < run.size:
        stop = scratch.following[place]
        if stop == place + 1:
            # Counted as words for now.
            ends[count] = stop
            count += 1
        else:
            if place - singles > 1:
                count = _words_of_singles(run, singles, place, model, scratch, ends, count)
            ends[count] = singles = stop
            count += 1
        place = stop
    if place - singles > 1:
        count = _words_of_singles(run, singles, place, model, scratch, ends, count)
    return count


@compiled
def _words_of_singles(
    run: np.ndarray,
    begin: int,
    end: int,
    model: SegmentationModel,
    scratch: _Scratch,
    ends: np.ndarray,
    count: int,
) -> int:
    """Where they are no word of the dictionary, writes other ends in place of theirs."""
    if _is_word(run[begin:end], model.words):
        return count
    count -= end - begin
    return new_words(run, begin, end, model, scratch.came_from, ends, count)


@compiled
def _is_word(run: np.ndarray, words: PrefixTree) -> bool:
    node = first_child(words, run[0])
    for character in run[1:]:
        node = child(words, node, character)
        if node == NOTHING:
            return False
    return words.scores[node] > NO_WORD
