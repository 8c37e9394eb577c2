"""Text to sentences, Chinese and English."""

import re

# Possessive quantifiers and the look-behind keep this linear for text such as a million dots. It
# starts with one set of characters, so that Python's search can skip everything else.
_SENTENCE_END = re.compile(
    r"""
    [。！？；!?;.\n\r\v\f\x1c-\x1e\x85\u2028\u2029]
    (?:
    # ends, quotes and brackets in a run
    (?<=[。！？；!?;]) [。！？；!?;…”’」』）》】〉〕｝］〗〙〛＂＇"')\]}]*+
    # not 3.14, No. 5 or file.ext
    | (?<=\.) (?<!\.\.) \.*+ [”’」』）》】〉〕｝］〗〙〛＂＇"')\]}]*+ (?=\s++[^\s\d])
    | (?<=[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])
    )
    """,
    re.VERBOSE,
)


def split_sentences(text: str) -> list[str]:
    """Splits text into sentences.

    A sentence ends at 。！？；!?; and at line breaks, and at a "." that is followed by white space
    and something other than a digit, so not in 3.14, 1,234.5 or file.ext. Closing quotes and
    brackets after an end stay with their sentence, and so does a run of ends such as ！！！.

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
