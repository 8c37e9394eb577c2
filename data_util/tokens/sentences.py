"""Text to sentences."""

import re

# Changes with the rules, so that tokenized text that was kept is made again.
SENTENCE_RULES = 2

# Greek, Armenian, Arabic, Urdu, Devanagari, Myanmar, Ethiopic, Khmer, double marks, halfwidth.
_OTHER_ENDS = (
    "\u037e\u0589\u061b\u061f\u06d4\u0964\u0965\u104b\u1362\u1367\u17d4\u203c\u2047-\u2049\uff61"
)
_CLOSING = r"""”’»›」』）》】〉〕｝］〗〙〛＂＇"')\]}"""

# Possessive quantifiers and the look-behind keep this linear for text such as a million dots. It
# starts with one set of characters, so that Python's search can skip everything else.
_SENTENCE_END = re.compile(
    rf"""
    [。！？；!?;{_OTHER_ENDS}.\n\r\v\f\x1c-\x1e\x85\u2028\u2029]
    (?:
    # ends, quotes and brackets in a run
    (?<=[。！？；!?;{_OTHER_ENDS}]) [。！？；!?;{_OTHER_ENDS}…{_CLOSING}]*+
    # not 3.14, No. 5, file.ext, U.S.A. or J. Smith
    | (?<=\.) (?<!\.\.) (?<!\b[A-Za-zÀ-ɏͰ-ԯ]\.) \.*+ [{_CLOSING}]*+ (?=\s++[^\s\d])
    | (?<=[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])
    )
    """,
    re.VERBOSE,
)


def split_sentences(text: str) -> list[str]:
    """Splits text into sentences.

    A sentence ends at 。！？；!?; and what stands for them in other scripts (؟ । ։ and so on), at
    line breaks, and at a "." that is followed by white space and something other than a digit, so
    not in 3.14, 1,234.5 or file.ext. A "." after a single letter is an abbreviation (U.S.A.,
    J. Smith, и т. д.). Closing quotes and brackets after an end stay with their sentence, and so
    does a run of ends such as ！！！.

    Returns:
        The non-empty sentences, without surrounding white space. Together they hold all characters
        of the text but white space, in order.
    """
    sentences = []
    begin = 0
    for end in _SENTENCE_END.finditer(text):
        sentences.append(text[begin : end.end()].strip())
        begin = end.end()
    sentences.append(text[begin:].strip())
    return [sentence for sentence in sentences if sentence]
