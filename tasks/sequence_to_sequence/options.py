"""The options of sequence to sequence."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from common.options import Options, declarations, make_options, option

METRICS = ("bleu", "chrf", "rouge")
SCORES = ("loss", "bleu", "chrf", "rouge_l")


@dataclass(frozen=True)
class SequenceToSequenceOptions(Options):
    """Text from text (--task=sequence_to_sequence)"""

    decoder_layers: int = option(
        2, "layers of the decoder, a Transformer of the backbone's width", minimum=1, maximum=200
    )
    max_target_length: int = option(
        128, "maximum number of tokens of a text that is written", minimum=1, maximum=10_000
    )
    score: str = option(
        "loss",
        "what chooses the best epoch: the loss on the validation set, or a metric of the texts "
        "that the model writes for it, which takes much longer",
        choices=SCORES,
    )
    generation_metrics: list[str] = option(
        list(METRICS),
        "comma-separated metrics of the texts that the model writes: bleu and chrf (sacrebleu), "
        "rouge (of characters or of words)",
        choices=METRICS,
    )
    num_beams: int = option(
        4, "texts that the beam search keeps; 1: greedy search", minimum=1, maximum=100
    )
    length_penalty: float = option(
        1.0,
        "of the beam search: log-probabilities are divided by the length to this power; below 1 "
        "prefers shorter texts",
    )
    no_repeat_ngram: int = option(
        0, "no n-gram of this many tokens is written twice; 0: any may be", minimum=0
    )
    sampling: bool = option(
        False, "draw tokens at random, the same ones for the same text, rather than search"
    )
    temperature: float = option(
        1.0, "with --sampling: below 1 draws more probable tokens", minimum=0.01
    )
    sampling_top_k: int = option(
        0, "with --sampling: draw among so many most probable tokens; 0: among all", minimum=0
    )
    sampling_top_p: float = option(
        1.0,
        "with --sampling: draw among the most probable tokens that have this probability together",
        minimum=0.01,
        maximum=1,
    )


# Those that may be changed after fine-tuning.
GENERATION = (
    "num_beams",
    "length_penalty",
    "no_repeat_ngram",
    "sampling",
    "temperature",
    "sampling_top_k",
    "sampling_top_p",
)


def _without_defaults() -> dict[str, tuple[Any, Any]]:
    """The options of `GENERATION`, None where the checkpoint decides."""
    fields = {each.name: each for each in dataclasses.fields(SequenceToSequenceOptions)}
    return {
        name: (
            declaration.kind | None,
            dataclasses.field(default=None, metadata=fields[name].metadata),
        )
        for name, declaration in declarations(SequenceToSequenceOptions).items()
        if name in GENERATION
    }


GenerationOptions = make_options(
    "GenerationOptions",
    _without_defaults(),
    "Texts that are written (task sequence_to_sequence; default: as in fine-tuning)",
    module=__name__,
)
