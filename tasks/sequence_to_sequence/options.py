"""The options of sequence to sequence."""

from dataclasses import dataclass

from common.options import option
from tasks.generation_options import SearchOptions

METRICS = ("bleu", "chrf", "rouge")
SCORES = ("loss", "bleu", "chrf", "rouge_l")


@dataclass(frozen=True)
class SequenceToSequenceOptions(SearchOptions):
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
