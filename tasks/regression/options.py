"""The options of regression."""

from dataclasses import dataclass

from common.options import Options, option
from data_util.choices import DEFAULT_LABEL_FIELD
from models.registry import HEADS


@dataclass(frozen=True)
class RegressionOptions(Options):
    """Regression (--task=regression)"""

    label_field: str = option(
        DEFAULT_LABEL_FIELD,
        "key (JSON) or column (table) of the value; the default stands for value, score and label",
    )
    head: str | None = option(
        None,
        "how a value is computed: max_pooled, pooled, or for pairs of texts alignment or "
        "next_sentence, see --task=multi_class; default max_pooled, for pairs alignment",
        choices=HEADS,
    )
