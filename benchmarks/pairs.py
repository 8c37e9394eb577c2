"""Do two questions ask the same? Pairs of texts, against TF-IDF with logistic regression.

    python -m benchmarks.pairs --data=../shared/data/afqmc [--backbone=text_cnn] [--folder=...]

`--data` holds `train.txt`, `valid.txt` and `test.txt` with lines `text_a<TAB>text_b __label__same`
or `__label__different`. Runs step 1 on the training pairs' own text, with next sentence
prediction, and step 2 twice, from random weights and from that checkpoint. Prints a Markdown table
of the test set's figures, once as it is and once with the second texts exchanged among the pairs.
A run that the folder already holds is not run again.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.two_steps import both_steps, read_metrics
from data_util.documents import Document, read_documents
from data_util.random_streams import random_generator
from data_util.tokenizers import make_tokenizer
from training.command_line import quiet_libraries

PRETRAINING = ["--num_epochs=3", "--sequence_length_lm=64"]
FINE_TUNING = [
    "--task=multi_class",
    "--sequence_length=64",
    "--num_epochs=5",
    "--patience=5",
    "--learning_rate=1e-3",
    "--head_learning_rate=1e-3",
]
SAME = "same"
C_VALUES = (0.3, 1.0, 3.0, 10.0, 30.0)


def main() -> None:
    """Runs what is missing and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the pairs")
    parser.add_argument("--backbone", choices=("text_cnn", "transformer"), default="text_cnn")
    parser.add_argument("--tokenize_style", choices=("char", "word"), default="char")
    parser.add_argument("--head", default="alignment", help="of the run from the checkpoint")
    parser.add_argument("--folder", type=Path, default=Path("checkpoint_pairs"))
    arguments = parser.parse_args()
    files = {split: arguments.data / f"{split}.txt" for split in ("train", "valid", "test")}
    size = [f"--backbone={arguments.backbone}", "--preset=tiny"]
    text = [f"--tokenize_style={arguments.tokenize_style}"]
    both_steps(
        arguments.folder,
        [f"--mask_lm_source_file={files['train']}", *text, *size, *PRETRAINING],
        [
            f"--training_data_file={files['train']}",
            f"--valid_data_file={files['valid']}",
            f"--test_data_file={files['test']}",
            *FINE_TUNING,
        ],
        [*text, *size],
        [f"--head={arguments.head}"],
    )
    quiet_libraries()
    pairs = {split: list(read_documents([path], labelled=True)) for split, path in files.items()}
    true = is_same(pairs["test"])
    valid, predicted = tf_idf(pairs)
    print(HEADER)
    print_row("always `different`", None, true, np.zeros_like(true), np.zeros_like(true))
    print_row("TF-IDF, logistic regression", valid, true, *predicted)
    for title, name in (("random weights", "random"), ("pre-trained", "finetuned")):
        folder = arguments.folder / name
        history = read_metrics(folder)["history"]
        best = max(entry["valid"]["f1"] for entry in history)
        label = f"{arguments.backbone} `tiny`, {title}"
        print_row(label, best, true, *classified(folder, pairs["test"]))


HEADER = (
    "\n| | valid f1 | test accuracy (micro f1) | test macro f1 | test f1 of `same` "
    "| accuracy, exchanged | f1 of `same`, exchanged | predicted `same`, exchanged |\n"
    "|---|---|---|---|---|---|---|---|"
)


def print_row(
    title: str,
    valid: float | None,
    true: np.ndarray,
    predicted: np.ndarray,
    predicted_exchanged: np.ndarray,
) -> None:
    """A row of the table: (pairs,) bool each, whether a pair is one of the same question."""
    from sklearn.metrics import accuracy_score, f1_score

    figures = [
        accuracy_score(true, predicted),
        f1_score(true, predicted, average="macro"),
        f1_score(true, predicted),
        accuracy_score(true, predicted_exchanged),
        f1_score(true, predicted_exchanged),
        predicted_exchanged.mean(),
    ]
    first = "" if valid is None else f"{valid:.3f}"
    print(f"| {title} | {first} | " + " | ".join(f"{x:.3f}" for x in figures) + " |", flush=True)


def is_same(pairs: list[Document]) -> np.ndarray:
    """(pairs,) bool: which are labelled `same`."""
    return np.array([SAME in pair.labels for pair in pairs])


def texts_of(pairs: list[Document], *, exchanged: bool = False) -> tuple[list[str], list[str]]:
    """First and second texts; with `exchanged`, the second ones at random among the pairs."""
    order = np.arange(len(pairs))
    if exchanged:
        order = random_generator(42, "exchanged pairs").permutation(len(pairs))
    return [pair.text for pair in pairs], [pairs[index].text_b or "" for index in order]


def classified(folder: Path, pairs: list[Document]) -> tuple[np.ndarray, np.ndarray]:
    """What the classifier in `folder` says of the pairs, and of them with exchanged texts."""
    from training.prediction import Predictor

    classifier = Predictor(folder)
    same = classifier.task.labels.index(SAME)
    results = []
    for exchanged in (False, True):
        texts = list(zip(*texts_of(pairs, exchanged=exchanged), strict=True))
        results.append(classifier.probabilities(texts, 256).argmax(axis=1) == same)
    return results[0], results[1]


def tf_idf(
    pairs: dict[str, list[Document]],
) -> tuple[float, tuple[np.ndarray, np.ndarray]]:
    """Logistic regression on TF-IDF features a, b, |a - b| and a * b of both texts.

    Features are character 1-3-grams or words and word pairs; they and C are chosen on valid.

    Returns:
        The best mean of micro and macro F1 on valid, and of its classifier what it says of the
        test pairs, and of them with exchanged texts.
    """
    from scipy.sparse import csr_matrix, hstack
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score

    words = make_tokenizer("word").tokenize
    kinds: dict[str, dict[str, Any]] = {
        "characters": {"analyzer": "char", "ngram_range": (1, 3)},
        "words": {"tokenizer": words, "token_pattern": None, "ngram_range": (1, 2)},
    }
    true = {split: is_same(documents) for split, documents in pairs.items()}
    best = (-1.0, "", 0.0)
    chosen = (np.zeros(0, bool), np.zeros(0, bool))
    for kind, options in kinds.items():
        vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=2, **options)
        vectorizer.fit([text for side in texts_of(pairs["train"]) for text in side])

        def features(
            documents: list[Document], *, exchanged: bool = False, vectorizer: Any = vectorizer
        ) -> csr_matrix:
            a, b = (vectorizer.transform(s) for s in texts_of(documents, exchanged=exchanged))
            return hstack([a, b, abs(a - b), a.multiply(b)]).tocsr()

        train, valid = features(pairs["train"]), features(pairs["valid"])
        for c in C_VALUES:
            model = LogisticRegression(C=c, max_iter=200).fit(train, true["train"])
            found = model.predict(valid)
            figures = [f1_score(true["valid"], found, average=a) for a in ("micro", "macro")]
            if np.mean(figures) > best[0]:
                best = (float(np.mean(figures)), kind, c)
                chosen = (
                    model.predict(features(pairs["test"])),
                    model.predict(features(pairs["test"], exchanged=True)),
                )
    print(f"\nTF-IDF: {best[1]} and C = {best[2]:g} are best on valid")
    return best[0], chosen


if __name__ == "__main__":
    main()
