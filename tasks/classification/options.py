"""The options of the classification tasks."""

from dataclasses import dataclass

from common.options import option
from data_util.reading.file_options import LabelOptions
from models.registry import HEADS
from tasks.classification.distillation_options import DistillationOptions

# The F1 that chooses the best epoch, and all else that is chosen on the validation set.
SCORES = ("f1", "micro_f1", "macro_f1")
CLASS_WEIGHTS = ("none", "balanced")
MAX_WINDOWS = 1000


@dataclass(frozen=True)
class ClassificationOptions(DistillationOptions, LabelOptions):
    """Classification (--task=multi_label or multi_class)"""

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
    mention_source_file: list[str] = option(
        [],
        "comma-separated files of raw text; documents that name labels are learned as further "
        "examples of these labels, with the names hidden",
    )
    label_names_file: str = option(
        "",
        "the names of the labels in that text: `label` or `label<TAB>name<TAB>name` on each line; "
        "default: the labels themselves",
    )
    label_pattern_file: str = option(
        "",
        "how that text names a label: a pattern with {} for the name on each line, and after ! one "
        "that does not count; default: the name anywhere",
    )
    mention_weight: float = option(
        0.3, "how much such a document counts, where a labelled one counts 1", minimum=0.001
    )
    label_descriptions_file: list[str] = option(
        [], "comma-separated files of `label<TAB>text`: descriptions, learned as further examples"
    )
    description_weight: float = option(
        1.0, "how much a description counts, where a labelled document counts 1", minimum=0.001
    )
    windows: int = option(
        1,
        "read so many windows of --sequence_length of a longer document, one after another, and "
        "take the highest of each label's scores",
        minimum=1,
        maximum=MAX_WINDOWS,
    )
    class_weights: str = option(
        "none",
        "balanced: a training document weighs the more, the rarer its labels are: the mean over "
        "its labels of documents / (labels * documents with the label)",
        choices=CLASS_WEIGHTS,
    )
    score: str = option(
        "f1",
        "the F1 on the validation set that chooses the best epoch and the thresholds: micro_f1, "
        "macro_f1, or f1, their mean",
        choices=SCORES,
    )
    threshold: float | None = option(
        None,
        "predict a label from this probability on; default: the threshold with the best F1 on the "
        "validation set",
        minimum=0,
        maximum=1,
    )
    threshold_file: str = option(
        "", "file of `label<TAB>threshold`: such a threshold for some labels, or for all"
    )
    at_least_one: bool | None = option(
        None,
        "predict the label nearest to its threshold where none reaches it; default: true, unless "
        "there are training documents without labels",
    )
