"""Text into words: the likeliest ones of a dictionary, and new ones by a hidden Markov model.

This is what jieba does (https://github.com/fxsj/jieba, `cut` with its defaults), in machine code
over arrays. A run of Chinese characters, letters and digits is cut along the path of words with
the largest product of probabilities. Characters that are left single beside each other may be a
word that the dictionary lacks: names, mostly. A hidden Markov model of four states (a character
begins, continues or ends a word, or is one) has the last say there.
"""

from typing import NamedTuple

import numpy as np

from data_util.compiled import compiled
from data_util.prefix_tree import NO_WORD, NOTHING, PrefixTree, child, first_child
from data_util.segmentation_model import FIRST_HAN, LAST_HAN, STATES, SegmentationModel

_BEGIN, _END, _MIDDLE, _SINGLE = range(len(STATES))


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
        if _is_of_a_run(text[begin]):
            while end < text.size and _is_of_a_run(text[end]):
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
    while begin < end:
        stop = begin + 1
        if _is_han(run[begin]):
            while stop < end and _is_han(run[stop]):
                stop += 1
            count = _words_of_states(run, begin, stop, model, scratch.came_from, ends, count)
        else:
            if _is_letter_or_digit(run[begin]):
                stop = _end_of_expression(run, begin, end)
            else:
                while stop < end and not (_is_han(run[stop]) or _is_letter_or_digit(run[stop])):
                    stop += 1
            ends[count] = stop
            count += 1
        begin = stop
    return count


@compiled
def _is_word(run: np.ndarray, words: PrefixTree) -> bool:
    node = first_child(words, run[0])
    for character in run[1:]:
        node = child(words, node, character)
        if node == NOTHING:
            return False
    return words.scores[node] > NO_WORD


@compiled
def _end_of_expression(run: np.ndarray, begin: int, end: int) -> int:
    """Letters and digits, parts of which one ".", "-" or "_" joins, and a "%": 3.5%, GB5085-2007.

    jieba itself knows the point and digits alone; this is rjieba's rule.
    """
    place = begin + 1
    while place < end:
        if _is_letter_or_digit(run[place]):
            place += 1
        elif (
            run[place] in (ord("."), ord("-"), ord("_"))
            and place + 1 < end
            and _is_letter_or_digit(run[place + 1])
        ):
            place += 2
        else:
            break
    return place + 1 if place < end and run[place] == ord("%") else place


@compiled
def _words_of_states(
    run: np.ndarray,
    begin: int,
    end: int,
    model: SegmentationModel,
    came_from: np.ndarray,
    ends: np.ndarray,
    count: int,
) -> int:
    """The likeliest states of the characters, by the Viterbi algorithm (Rabiner 1989, III B).

    A word's beginning follows an end or a single one, its middle and end follow a beginning or a
    middle, a single one follows an end or a single one; nothing else can be. Of the two that a
    state can follow, a bit of `came_from` tells which one it is: 0 for the first named here.
    """
    steps = model.transitions
    at = model.emissions[run[begin] - FIRST_HAN]
    b, e = model.start[_BEGIN] + at[_BEGIN], model.start[_END] + at[_END]
    m, s = model.start[_MIDDLE] + at[_MIDDLE], model.start[_SINGLE] + at[_SINGLE]
    for place in range(begin + 1, end):
        at = model.emissions[run[place] - FIRST_HAN]
        b_of_e = e + steps[_END, _BEGIN] + at[_BEGIN]
        b_of_s = s + steps[_SINGLE, _BEGIN] + at[_BEGIN]
        e_of_b = b + steps[_BEGIN, _END] + at[_END]
        e_of_m = m + steps[_MIDDLE, _END] + at[_END]
        m_of_b = b + steps[_BEGIN, _MIDDLE] + at[_MIDDLE]
        m_of_m = m + steps[_MIDDLE, _MIDDLE] + at[_MIDDLE]
        s_of_e = e + steps[_END, _SINGLE] + at[_SINGLE]
        s_of_s = s + steps[_SINGLE, _SINGLE] + at[_SINGLE]
        came_from[place] = (
            (b_of_s >= b_of_e) << _BEGIN
            | (e_of_m >= e_of_b) << _END
            | (m_of_m >= m_of_b) << _MIDDLE
            | (s_of_s >= s_of_e) << _SINGLE
        )
        b, e = max(b_of_e, b_of_s), max(e_of_b, e_of_m)
        m, s = max(m_of_b, m_of_m), max(s_of_e, s_of_s)
    state = _SINGLE if s >= e else _END
    words = 0
    for place in range(end - 1, begin - 1, -1):
        # From the last word on; they are put the right way round below.
        if state in (_END, _SINGLE):
            ends[count + words] = place + 1
            words += 1
        second = (came_from[place] >> state) & 1
        if state in (_BEGIN, _SINGLE):
            state = _SINGLE if second else _END
        else:
            state = _MIDDLE if second else _BEGIN
    for low in range(words // 2):
        high = words - 1 - low
        ends[count + low], ends[count + high] = ends[count + high], ends[count + low]
    return count + words


@compiled
def _is_of_a_run(character: int) -> bool:
    """jieba's characters and, as in rjieba, the rarer Chinese ones, which no dictionary has."""
    return (
        0x4E00 <= character <= 0x9FFF
        or _is_letter_or_digit(character)
        or 0x3400 <= character <= 0x4DBF
        or 0xF900 <= character <= 0xFAFF
        or 0x20000 <= character <= 0x2A6DF
        or 0x2A700 <= character <= 0x2EBEF
        or 0x2F800 <= character <= 0x2FA1F
        or character in (ord("+"), ord("#"), ord("&"), ord("."), ord("_"), ord("%"), ord("-"))
    )


@compiled
def _is_han(character: int) -> bool:
    return FIRST_HAN <= character <= LAST_HAN


@compiled
def _is_letter_or_digit(character: int) -> bool:
    """Of ASCII."""
    return 48 <= character <= 57 or 65 <= character <= 90 or 97 <= character <= 122
