"""Writes titles for abstracts, from random weights and from two kinds of pre-training.

    python -m benchmarks.titles --data=DATA/csl_titles [--limit=1000] [--epochs=20]
        [--pretraining_epochs=20] [--backbone=transformer] [--folder=...]

`--data` contains `dev.tsv`, from which is learned, and `test.tsv`, of `abstract<TAB>title` lines;
`--limit` takes the first so many of both. The command pre-trains on the abstracts alone, once with
masked_lm, which gives an encoder, and once with denoising, which gives encoder and decoder, and
fine-tunes three times. Completed runs in the folder are not repeated.

Prints a Markdown table with one row per start: loss on the tenth of the pairs that is held out, and
ROUGE on the test pairs. The first row gives each abstract its first sentence as title.
"""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.lib.arguments import parser
from benchmarks.lib.measuring import markdown
from benchmarks.lib.runs import read_metrics, run, validations
from common.whole_files import write_whole
from data_util.tokens.sentences import split_sentences
from models.registry import BACKBONES
from tasks.sequence_to_sequence.metrics import rouge
from tasks.sequence_to_sequence.records import SourceAndTarget, read_examples

LENGTH, TITLE = 256, 40
FINE_TUNING = [
    "--task=sequence_to_sequence",
    f"--sequence_length={LENGTH}",
    f"--max_target_length={TITLE}",
    "--valid_ratio=0.1",
    "--patience=5",
    "--learning_rate=1e-3",
    "--head_learning_rate=1e-3",
    "--generation_metrics=rouge",
    "--batch_size=16",
]


def main() -> None:
    """Runs the missing trainings and prints the table."""
    options = parser(__doc__, folder="checkpoint_titles")
    options.add_argument("--limit", type=int, help="the first so many pairs; default: all")
    options.add_argument("--epochs", type=int, default=20, help="of fine-tuning")
    options.add_argument("--pretraining_epochs", type=int, default=20)
    options.add_argument("--backbone", choices=tuple(BACKBONES), default="transformer")
    arguments = options.parse_args()
    folder: Path = arguments.folder
    pairs = {
        name: first_pairs(arguments.data / f"{name}.tsv", arguments.limit)
        for name in ("dev", "test")
    }
    files = {name: folder / f"{name}.tsv" for name in pairs}
    for name, examples in pairs.items():
        write_lines(files[name], [f"{each.source}\t{each.target}" for each in examples])
    texts = folder / "abstracts.txt"
    write_lines(texts, [each.source for each in pairs["dev"]])
    size = ["--tokenize_style=char", f"--backbone={arguments.backbone}", "--preset=tiny"]
    data = f"--data_path={folder / 'data'}"
    for objective in ("masked_lm", "denoising"):
        run(
            "train_bert_lm.py",
            data,
            f"--ckpt_dir={folder / objective}",
            f"--mask_lm_source_file={texts}",
            f"--objectives={objective}",
            f"--sequence_length_lm={LENGTH}",
            "--batch_size=16",
            f"--num_epochs={arguments.pretraining_epochs}",
            *size,
        )
    starts = {
        # The same vocabulary, so that the networks have the same shape.
        "random": ["--ckpt_dir=", f"--vocab_file={folder / 'masked_lm' / 'vocab.txt'}", *size],
        "masked_lm": [f"--ckpt_dir={folder / 'masked_lm'}"],
        "denoising": [f"--ckpt_dir={folder / 'denoising'}"],
    }
    rows = [first_sentence_row(pairs["test"])]
    for name, start in starts.items():
        saved = folder / f"titles_{name}"
        run(
            "train_bert_fine_tuning.py",
            data,
            f"--ckpt_dir_save={saved}",
            f"--training_data_file={files['dev']}",
            f"--test_data_file={files['test']}",
            f"--num_epochs={arguments.epochs}",
            *FINE_TUNING,
            *start,
        )
        metrics = read_metrics(saved)
        best = min(each["loss"] for each in validations(metrics))
        title = "random weights" if name == "random" else f"`{name}`"
        rows.append(table_row(title, metrics["test"], best))
    print(f"\n{markdown(rows)}")


def first_pairs(path: Path, limit: int | None) -> list[SourceAndTarget]:
    """The first pairs of a file, in its order."""
    return list(read_examples([str(path)]))[:limit]


def write_lines(path: Path, lines: Sequence[str]) -> None:
    """Writes a text file, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, "".join(f"{line}\n" for line in lines).encode())


def first_sentence_row(pairs: Sequence[SourceAndTarget]) -> dict[str, str]:
    """The row of the first sentences of the abstracts."""
    texts = [next(iter(split_sentences(each.source)), "") for each in pairs]
    return table_row("first sentence", rouge(texts, [each.target for each in pairs]))


def table_row(title: str, scores: dict[str, float], loss: float | None = None) -> dict[str, str]:
    """A row of the table."""
    return {
        "": title,
        "best valid loss": "" if loss is None else f"{loss:.3f}",
        **{
            f"test {name.upper().replace('_', '-')}": f"{scores[name]:.1f}"
            for name in ("rouge_1", "rouge_2", "rouge_l")
        },
    }


if __name__ == "__main__":
    main()
