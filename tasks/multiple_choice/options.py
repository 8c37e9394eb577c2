"""The options of multiple choice."""

from dataclasses import dataclass

from common.options import Options, option
from models.registry import HEADS

DEFAULT_HEAD = "alignment"


@dataclass(frozen=True)
class MultipleChoiceOptions(Options):
    """Multiple choice (--task=multiple_choice)"""

    head: str | None = option(
        None,
        "how a choice is scored. alignment (default): the tokens of the context compared with "
        "those of the question and the choice; pooled: the backbone's pooled output, as in BERT; "
        "max_pooled; next_sentence: starts from that head of pre-training",
        choices=HEADS,
    )
    comparison: bool = option(
        True,
        "add a linear classifier of what each choice has in common with the context, the question "
        "and the other choices; how much it counts is chosen on the validation questions",
    )
    max_windows: int = option(
        1,
        "a context that does not fit into --sequence_length is read in up to so many overlapping "
        "windows, and a choice has the highest of their scores; 1: its end is not read",
        minimum=1,
        maximum=100,
    )
