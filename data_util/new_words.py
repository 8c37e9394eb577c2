"""Words that no dictionary has, names mostly, in characters that were left single side by side."""

import numpy as np

from data_util.characters import FIRST_HAN, is_han, is_letter_or_digit
from data_util.compiled import compiled
from data_util.segmentation_model import STATES, SegmentationModel

_BEGIN, _END, _MIDDLE, _SINGLE = range(len(STATES))


@compiled
def new_words(
    run: np.ndarray,
    begin: int,
    end: int,
    model: SegmentationModel,
    came_from: np.ndarray,
    ends: np.ndarray,
    count: int,
) -> int:
    """Cuts Chinese characters by a hidden Markov model, letters and digits by how they are written.

    Args:
        run: (length,) int32, code points.
        begin, end: the first character and one past the last.
        came_from: (length,) int8, scratch.
        ends: takes where the words end, from `count` on.

    Returns:
        The count of all ends that are written.
    """
    while begin < end:
        stop = begin + 1
        if is_han(run[begin]):
            while stop < end and is_han(run[stop]):
                stop += 1
            count = _words_of_states(run, begin, stop, model, came_from, ends, count)
        else:
            if is_letter_or_digit(run[begin]):
                stop = _end_of_expression(run, begin, end)
            else:
                while stop < end and not (is_han(run[stop]) or is_letter_or_digit(run[stop])):
                    stop += 1
            ends[count] = stop
            count += 1
        begin = stop
    return count


@compiled
def _end_of_expression(run: np.ndarray, begin: int, end: int) -> int:
    """Letters and digits, parts of which one ".", "-" or "_" joins, and a "%": 3.5%, GB5085-2007.

    jieba itself knows the point and digits alone; this is rjieba's rule.
    """
    place = begin + 1
    while place < end:
        if is_letter_or_digit(run[place]):
            place += 1
        elif (
            run[place] in (ord("."), ord("-"), ord("_"))
            and place + 1 < end
            and is_letter_or_digit(run[place + 1])
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
