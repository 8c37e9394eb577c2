"""The options of token classification."""

from dataclasses import dataclass

from common.options import option
from data_util.reading.file_options import LabelOptions

# What the tags of files may be; "plain" are tags without a prefix, such as parts of speech.
FILE_SCHEMES = ("auto", "bio", "bioes", "iob1", "plain")
TAG_SCHEMES = ("bio", "bioes")
NESTED = ("error", "outermost")


@dataclass(frozen=True)
class TokenClassificationOptions(LabelOptions):
    """Token classification (--task=token_classification)"""

    file_tags: str = option(
        "auto",
        "what the tags of files with a tag per token are: bio (B-, I-), bioes (also E-, S-; or "
        "BMES, BILOU), iob1 (B- only between two entities of one type), plain (each tag is a label "
        "of its own, such as a part of speech); auto: what all of them fit",
        choices=FILE_SCHEMES,
    )
    model_tags: str = option("bio", "the tags that the model learns", choices=TAG_SCHEMES)
    crf: bool = option(False, "a linear-chain CRF over the tags, which learns what follows what")
    ngrams: bool = option(
        True,
        "also score the tags by the n-grams of tokens around each token, beside the network, as a "
        "linear classifier does: better with few labelled texts",
    )
    nested_entities: str = option(
        "error",
        "entities within others: an error, or outermost: those that are not within others are kept",
        choices=NESTED,
    )
    window_overlap: int = option(
        64,
        "tokens that two neighbouring windows of a text longer than --sequence_length share; a "
        "token's label is from the window in which most is around it",
        minimum=0,
    )
