"""Translates short sentences, from random weights and from a pre-trained checkpoint.

    python -m benchmarks.translation --data=DATA/tatoeba_en_zh [--preset=small] [--epochs=12]
        [--starts=random,finetuned] [--folder=...]

`--data` contains `train.tsv`, `valid.tsv` and `test.tsv` of `source<TAB>target` lines. The command
pre-trains a Transformer on the text of both sides of the training pairs, with masked_lm, and
fine-tunes twice: from random weights and from that checkpoint. It also trains a Transformer of the
same size that a plain Keras program puts together, for as many epochs. Completed runs in the folder
are not repeated.

Prints a Markdown table with one row per way to translate: loss on the validation pairs, BLEU and
chrF on the test pairs, and processor minutes of all cores together, from the files to the metrics
(of a run that was not interrupted). The first row gives each test sentence the translation of the
most similar training sentence (TF-IDF of character n-grams).
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lib.arguments import parser, rows_among
from benchmarks.lib.keras_translation import keras_translation
from benchmarks.lib.measuring import markdown, timed
from benchmarks.lib.peer_options import peer_options
from benchmarks.lib.results import Results
from benchmarks.lib.runs import flags, read_metrics, run, split_flags, validations
from models.presets import PRESETS
from tasks.sequence_to_sequence.metrics import bleu, chrf
from tasks.sequence_to_sequence.records import SourceAndTarget, read_examples
from training.command_line import quiet_libraries

TOKENS = {"tokenize_style": "wordpiece", "vocab_size": 6000}
FINE_TUNING = {"task": "sequence_to_sequence", "sequence_length": 48, "max_target_length": 48}
PRETRAINING = {"objectives": "masked_lm", "pairs": True, "num_epochs": 2, "sequence_length_lm": 64}
RATE = 1e-3
STARTS = {"random": "random weights", "finetuned": "pre-trained"}


def main() -> None:
    """Runs the missing trainings and prints the table."""
    options = parser(__doc__, folder="checkpoint_translation")
    options.add_argument("--preset", choices=tuple(PRESETS), default="small")
    options.add_argument("--epochs", type=int, default=12, help="of fine-tuning")
    options.add_argument(
        "--starts", type=rows_among(STARTS, ","), default=list(STARTS), help="comma-separated"
    )
    arguments = options.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    files = {split: arguments.data / f"{split}.tsv" for split in ("train", "valid", "test")}
    results = Results(arguments.folder / "results.jsonl")
    rows = [nearest_row(files["train"], files["test"])]
    for name in arguments.starts:
        rows.append(table_row(STARTS[name], **_ours(name, files, arguments, results)))
    quiet_libraries()
    setting = {"system": "keras", "preset": arguments.preset, "epochs": arguments.epochs}
    peer = results.once(setting, partial(_peer, files, arguments))
    rows.append(table_row("plain Keras, random weights", **peer))
    print(f"\n{markdown(rows)}")


def _ours(
    name: str, files: Mapping[str, Path], arguments: Any, results: Results
) -> dict[str, float]:
    """Fine-tunes from random weights or from the checkpoint of a pre-training."""
    folder: Path = arguments.folder
    model = {"backbone": "transformer", "preset": arguments.preset, **TOKENS}

    def minutes(step: str, *command: str, **options: Any) -> float:
        setting = {"step": step, "preset": arguments.preset, "epochs": arguments.epochs}
        given = flags({"data_path": folder / "data", **options})
        return results.once(setting, partial(_timed, partial(run, *command, *given)))["minutes"]

    start: dict[str, Any] = {"ckpt_dir": "", **model}
    spent = 0.0
    if name == "finetuned":
        start = {"ckpt_dir": folder / "pretrained"}
        script, text = "train_bert_lm.py", f"--mask_lm_source_file={files['train']}"
        spent += minutes("pretraining", script, text, **start, **model, **PRETRAINING)
    spent += minutes(
        name,
        "train_bert_fine_tuning.py",
        *split_flags(files),
        **start,
        **FINE_TUNING,
        ckpt_dir_save=folder / name,
        num_epochs=arguments.epochs,
        patience=arguments.epochs,
        learning_rate=RATE,
        head_learning_rate=RATE,
    )
    metrics = read_metrics(folder / name)
    best = min(each["loss"] for each in validations(metrics))
    test = metrics["test"]
    return {"bleu": test["bleu"], "chrf": test["chrf"], "loss": best, "minutes": spent}


def _peer(files: Mapping[str, Path], arguments: Any) -> dict[str, float]:
    """Trains the plain Keras program."""
    options = peer_options(files, arguments.folder, **FINE_TUNING, **TOKENS)
    sizes = PRESETS[arguments.preset]
    return _timed(partial(keras_translation, options, sizes, epochs=arguments.epochs, rate=RATE))


def _timed(work: Callable[[], Mapping[str, float] | None]) -> dict[str, float]:
    """What a function returns, with the processor "minutes" that it and its processes took."""
    found, seconds = timed(work)
    return {**(found or {}), "minutes": seconds / 60}


def nearest_row(train: Path, test: Path) -> dict[str, str]:
    """The row of the translations of the most similar training sentences."""
    known, asked = (list(read_examples([str(path)])) for path in (train, test))
    texts = nearest_translations(known, asked)
    references = [example.target for example in asked]
    scores = bleu(texts, references)["bleu"], chrf(texts, references)["chrf"]
    return table_row("the most similar training sentence", *scores)


def nearest_translations(known: list[SourceAndTarget], asked: list[SourceAndTarget]) -> list[str]:
    """For each source the target of the most similar known source."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 5), sublinear_tf=True)
    table = vectorizer.fit_transform([example.source for example in known])
    similar = vectorizer.transform([example.source for example in asked]) @ table.T
    return [known[int(place)].target for place in np.asarray(similar.argmax(axis=1)).reshape(-1)]


def table_row(
    title: str,
    bleu: float,
    chrf: float,
    loss: float | None = None,
    minutes: float | None = None,
) -> dict[str, str]:
    """A row of the table."""
    return {
        "": title,
        "best valid loss": "" if loss is None else f"{loss:.3f}",
        "test BLEU": f"{bleu:.1f}",
        "test chrF": f"{chrf:.1f}",
        "processor minutes": "" if minutes is None else f"{minutes:.0f}",
    }


if __name__ == "__main__":
    main()
