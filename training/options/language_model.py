"""The options of language_model.py."""

from dataclasses import dataclass

from common.errors import OptionError
from common.options import option
from data_util.reading.file_options import TextFileOptions

ACTIONS = ("score", "fill", "continue")


@dataclass(frozen=True)
class LanguageModelOptions(TextFileOptions):
    """A pre-trained checkpoint as a language model"""

    action: str = option(
        "score",
        "score: how probable each text is; fill: the tokens that stand for [MASK] in it; continue: "
        "write on from it (a checkpoint of causal_lm)",
        choices=ACTIONS,
    )
    ckpt_dir: str = option("checkpoint_lm", "the pre-trained checkpoint")
    input: str = option("-", "text (one per line), JSON or a table; -: standard input")
    output: str = option("-", "output file of JSON lines; -: standard output")
    batch_size: int = option(8, "number of sequences in each batch", minimum=1)
    top_k: int = option(5, "fill: how many tokens to give for each [MASK]", minimum=1)
    candidates_file: str = option(
        "",
        "fill: give only tokens of this file, one per line, such as the items of a catalogue; "
        "default: of the whole vocabulary",
    )
    exclude_seen: bool = option(False, "fill: give no token that is in the text already")
    max_length: int = option(50, "continue: how many tokens to write", minimum=1)
    sampling: bool = option(
        True, "continue: draw tokens at random; false: search for the most probable ones"
    )
    temperature: float = option(
        1.0, "with --sampling: below 1 draws more probable tokens", minimum=0.01
    )
    sampling_top_k: int = option(
        0, "with --sampling: draw among so many most probable tokens; 0: among all", minimum=0
    )
    sampling_top_p: float = option(
        0.9,
        "with --sampling: draw among the most probable tokens that have this probability together",
        minimum=0.01,
        maximum=1,
    )
    num_beams: int = option(
        1, "with --sampling=false: texts that the beam search keeps; 1: greedy", minimum=1
    )
    no_repeat_ngram: int = option(
        0, "continue: no n-gram of this many tokens is written twice; 0: any may be", minimum=0
    )
    seed: int = option(42, "of what is drawn", minimum=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("candidates_file", "exclude_seen"):
            if getattr(self, name) and self.action != "fill":
                raise OptionError(f"--{name} goes with --action=fill: add it, or leave {name} out.")
