"""The options of what pre-training masks."""

from dataclasses import dataclass

from common.options import Options, option
from data_util.choices import MASKINGS


@dataclass(frozen=True)
class MaskingOptions(Options):
    """What is masked"""

    masking: str | None = option(
        None,
        "what is masked together. token: single tokens; whole_word: the pieces of a word (with "
        "--tokenize_style=word, single tokens); ngram: one to three words (ALBERT); span: one to "
        "ten words (SpanBERT); phrase: the phrases of --phrase_file, and words elsewhere (ERNIE); "
        "default: what the objectives need, or else token",
        choices=MASKINGS,
    )
    phrase_file: str = option(
        "",
        "with --masking=phrase: the phrases, one per line, or several with tabs between them, as "
        "in a file of label names",
    )
    mask_probability: float | None = option(
        None,
        "fraction of the tokens that are masked, or changed in another way; default 0.15, with "
        "--noise=infill 0.3 and with --noise=mass 0.5",
        minimum=0.01,
        maximum=0.9,
    )
    mask_last: float = option(
        0.0,
        "fraction of the sequences in which only the last token is masked, for models that are "
        "asked for the next item of a sequence (BERT4Rec: 0.09)",
        minimum=0,
        maximum=1,
    )
