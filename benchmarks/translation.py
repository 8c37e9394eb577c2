"""Translates short sentences, from random weights and from a pre-trained checkpoint.

    python -m benchmarks.translation --data=DATA/tatoeba_en_zh [--epochs=6] [--folder=...]

`--data` contains `train.tsv`, `valid.tsv` and `test.tsv` of `source<TAB>target` lines. The command
pre-trains a Transformer on the text of both sides of the training pairs, with masked_lm, and
fine-tunes twice: from random weights and from that checkpoint. Completed runs in the folder are not
repeated.

Prints a Markdown table with one row per way to translate: loss on the validation pairs, BLEU and
chrF on the test pairs. The first row gives each test sentence the translation of the most similar
training sentence (TF-IDF of character n-grams).
"""

from pathlib import Path

import numpy as np

from benchmarks.lib.arguments import parser
from benchmarks.lib.measuring import markdown
from benchmarks.lib.runs import pretrain_and_fine_tune, read_metrics, split_flags, validations
from tasks.sequence_to_sequence.metrics import bleu, chrf
from tasks.sequence_to_sequence.records import SourceAndTarget, read_examples

MODEL = ["--backbone=transformer", "--preset=tiny"]
TEXT = ["--tokenize_style=wordpiece", "--vocab_size=6000"]
PRETRAINING = ["--objectives=masked_lm", "--pairs=true", "--num_epochs=2"]
FINE_TUNING = [
    "--task=sequence_to_sequence",
    "--sequence_length=48",
    "--max_target_length=48",
    "--patience=5",
    "--learning_rate=1e-3",
    "--head_learning_rate=1e-3",
]


def main() -> None:
    """Runs the missing trainings and prints the table."""
    options = parser(__doc__, folder="checkpoint_translation")
    options.add_argument("--epochs", type=int, default=6, help="of fine-tuning")
    arguments = options.parse_args()
    files = {split: arguments.data / f"{split}.tsv" for split in ("train", "valid", "test")}
    pretrain_and_fine_tune(
        arguments.folder,
        [
            f"--mask_lm_source_file={files['train']}",
            "--sequence_length_lm=64",
            *TEXT,
            *MODEL,
            *PRETRAINING,
        ],
        [
            *split_flags(files),
            f"--num_epochs={arguments.epochs}",
            *FINE_TUNING,
        ],
        ["--tokenize_style=wordpiece", *MODEL],
    )
    rows = [nearest_row(files["train"], files["test"])]
    for title, name in (("random weights", "random"), ("pre-trained", "finetuned")):
        metrics = read_metrics(arguments.folder / name)
        best = min(each["loss"] for each in validations(metrics))
        rows.append(table_row(title, metrics["test"]["bleu"], metrics["test"]["chrf"], best))
    print(f"\n{markdown(rows)}")


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


def table_row(title: str, bleu: float, chrf: float, loss: float | None = None) -> dict[str, str]:
    """A row of the table."""
    return {
        "": title,
        "best valid loss": "" if loss is None else f"{loss:.3f}",
        "test BLEU": f"{bleu:.1f}",
        "test chrF": f"{chrf:.1f}",
    }


if __name__ == "__main__":
    main()
