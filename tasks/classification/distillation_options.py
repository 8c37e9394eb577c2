"""The options of learning from teachers."""

from dataclasses import dataclass

from common.errors import OptionError
from common.options import Options, option


@dataclass(frozen=True)
class DistillationOptions(Options):
    """Distillation: learning from fine-tuned checkpoints"""

    teacher: list[str] = option(
        [],
        "comma-separated checkpoints that were fine-tuned for the same labels, with any backbone "
        "and tokenizer; their probabilities are learned as soft labels of the training documents "
        "and of --unlabelled_file, the mean of them if there are several",
    )
    unlabelled_file: list[str] = option(
        [],
        "comma-separated files, folders or patterns of text without labels, which is learned from "
        "the teachers alone",
    )
    temperature: float = option(
        2.0,
        "divides the logits of teacher and student in the soft term of the loss, which is "
        "multiplied by its square",
        minimum=0.01,
    )
    distillation_weight: float = option(
        0.9,
        "what the soft labels count for in the loss; the labels of the files count for the rest",
        minimum=0,
        maximum=1,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.unlabelled_file and not self.teacher:
            raise OptionError(
                "--unlabelled_file: text without labels is learned from a teacher: name a "
                "fine-tuned checkpoint with --teacher, or leave this out."
            )
