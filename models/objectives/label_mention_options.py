"""The options of label mention; loads no Keras."""

from dataclasses import dataclass

from common.options import Options, option


@dataclass(frozen=True)
class LabelMentionOptions(Options):
    """Labels that the raw text names (--objectives=label_mention)"""

    label_names_file: str = option(
        "",
        "the labels, one per line: `label`, which is its own name, or `label<TAB>name<TAB>name`; "
        "the names are hidden in the text",
    )
    label_pattern_file: str = option(
        "",
        "where a name says that the label applies: lines with {} in the place of the name, and "
        "lines that begin with ! where it does not; empty: wherever it stands",
    )
