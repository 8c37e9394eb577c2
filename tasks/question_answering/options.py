"""The options of question answering."""

from dataclasses import dataclass

from common.options import Options, option

RULES = ("english", "chinese")
HEADS = ("aligned_span", "span")


@dataclass(frozen=True)
class QuestionAnsweringOptions(Options):
    """Question answering (--task=question_answering)"""

    head: str = option(
        "aligned_span",
        "what scores the tokens of the passage. span: one dense layer over the backbone's output, "
        "as in BERT; aligned_span: each token is compared with the question first, for backbones "
        "that see a few neighbours only, or that are small",
        choices=HEADS,
    )
    window_overlap: int = option(
        128,
        "a passage that is longer than a sequence is read in windows; how many tokens two "
        "neighbours have in common (at most half of a window)",
        minimum=0,
    )
    max_question_tokens: int = option(
        64, "tokens of a question that are read (at most half of a sequence)", minimum=1
    )
    max_answer_tokens: int = option(30, "tokens of the longest answer", minimum=1)
    num_best: int = option(20, "how many answers are compared at most with --top_k", minimum=1)
    answer_rules: str | None = option(
        None,
        "how answers are compared. english: SQuAD's rules, words without articles and punctuation; "
        "chinese: CMRC's, characters without punctuation, and their longest common substring; "
        "default: by the training questions",
        choices=RULES,
    )
    threshold: float | None = option(
        None,
        "give an answer where its probability, against that of there being none, is at least this; "
        "default: the threshold with the best F1 on the validation set, or 0 if every training "
        "question has an answer",
        minimum=0,
        maximum=1,
    )
