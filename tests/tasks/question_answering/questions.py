"""Questions about passages of so many tokens, each of one character."""

import numpy as np

from tasks.question_answering.encoded import EncodedQuestion
from tasks.windows import windows


def question_of(count, size=6, overlap=3, asked=2):
    places = np.arange(count)
    return EncodedQuestion(
        np.zeros(asked, np.int32),
        np.zeros(count, np.int32),
        np.stack([places, places + 1], axis=1),
        "".join(chr(0x4E00 + place) for place in range(count)),
        windows(count, size, overlap),
    )
