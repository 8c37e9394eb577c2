"""The options of the classification tasks."""

from dataclasses import dataclass

from common.options import Options, option
from data_util.choices import LABEL_FIELDS
from models.registry import HEADS


@dataclass(frozen=True)
class ClassificationOptions(Options):
    """Classification (--task=multi_label or multi_class)"""

    label_field: str = option(
        LABEL_FIELDS[0], "which labels of CAIL2018 JSON lines to learn", choices=LABEL_FIELDS
    )
    head: str | None = option(
        None,
        "classification head. max_pooled: new features at every position, each pooled by its "
        "maximum; pooled: the backbone's pooled output, as in BERT; for pairs of texts alignment: "
        "the tokens of both texts compared, or next_sentence: the pooled output and the "
        "pre-trained next-sentence head; default max_pooled, for pairs alignment",
        choices=HEADS,
    )
    tfidf_classifier: bool = option(
        True,
        "add a TF-IDF linear classifier to the logits; it is fitted once, and its weight is tuned "
        "on the validation set",
    )
    threshold: float | None = option(
        None,
        "predict a label from this probability on; default: the threshold with the best F1 on the "
        "validation set",
        minimum=0,
        maximum=1,
    )
