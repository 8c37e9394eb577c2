"""Classifies pairs of texts and compares with TF-IDF and a linear support vector machine.

    python -m benchmarks.pairs --data=DATA/afqmc [--backbone=text_cnn] [--objectives=causal_lm]
        [--folder=...]

`--data` contains `train.txt`, `valid.txt` and `test.txt` with lines
`text_a<TAB>text_b __label__same` or `__label__different`. The command pre-trains on the text of the
training pairs, by default with next sentence prediction among its objectives, and fine-tunes twice:
from random weights and from that checkpoint. Completed runs in the folder are not repeated.

Prints a Markdown table with one row per classifier: F1 on the validation pairs; accuracy, macro F1
and the F1 of the label `same` on the test pairs; and the same for test pairs whose second texts
were shuffled ("exchanged"), together with the fraction that is predicted as `same`.
"""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lib.arguments import parser
from benchmarks.lib.measuring import markdown
from benchmarks.lib.runs import pretrain_and_fine_tune, read_metrics, split_flags, validations
from common.random_streams import random_generator
from data_util.reading.documents import Document, read_documents
from data_util.tokens.tokenizers import make_tokenizer
from models.registry import BACKBONES, DEFAULT_OBJECTIVES
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
C_VALUES = (0.01, 0.03, 0.1, 0.3, 1.0)


def main() -> None:
    """Runs the missing trainings and prints the table."""
    options = parser(__doc__, folder="checkpoint_pairs")
    options.add_argument("--backbone", choices=tuple(BACKBONES), default="text_cnn")
    options.add_argument("--tokenize_style", choices=("char", "word"), default="char")
    options.add_argument("--head", default="alignment", help="of the run from the checkpoint")
    options.add_argument(
        "--objectives", default=",".join(DEFAULT_OBJECTIVES), help="of pre-training"
    )
    arguments = options.parse_args()
    files = {split: arguments.data / f"{split}.txt" for split in ("train", "valid", "test")}
    size = [f"--backbone={arguments.backbone}", "--preset=tiny"]
    text = [f"--tokenize_style={arguments.tokenize_style}"]
    pretrain_and_fine_tune(
        arguments.folder,
        [
            f"--mask_lm_source_file={files['train']}",
            f"--objectives={arguments.objectives}",
            *text,
            *size,
            *PRETRAINING,
        ],
        [
            *split_flags(files),
            *FINE_TUNING,
        ],
        [*text, *size],
        [f"--head={arguments.head}"],
    )
    quiet_libraries()
    pairs = {split: list(read_documents([path], labelled=True)) for split, path in files.items()}
    true = is_same(pairs["test"])
    valid, predicted = linear_svm(pairs)
    never = np.zeros_like(true)
    rows = [
        table_row("always `different`", None, true, never, never),
        table_row("TF-IDF, linear SVM", valid, true, *predicted),
    ]
    for title, name in (("random weights", "random"), ("pre-trained", "finetuned")):
        folder = arguments.folder / name
        metrics = read_metrics(folder)
        best = max(each["f1"] for each in validations(metrics))
        alone = max(entry["network_f1"] for entry in metrics["tfidf_classifier"])
        label = f"{arguments.backbone} `tiny`, {title}"
        row = table_row(label, best, true, *classified(folder, pairs["test"]))
        rows.append({**row, "valid F1, network alone": f"{alone:.3f}"})
    print(f"\n{markdown(rows)}")


def table_row(
    title: str,
    valid: float | None,
    true: np.ndarray,
    predicted: np.ndarray,
    predicted_exchanged: np.ndarray,
) -> dict[str, str]:
    """A row of the table.

    Args:
        title: its first cell.
        valid: F1 on the validation pairs.
        true: (pairs,) bool, whether a test pair is labelled `same`.
        predicted: (pairs,) bool, whether it is predicted as `same`.
        predicted_exchanged: the same for pairs with shuffled second texts.
    """
    from sklearn.metrics import accuracy_score, f1_score

    scores = {
        "valid F1": valid,
        "test accuracy (micro F1)": accuracy_score(true, predicted),
        "test macro F1": f1_score(true, predicted, average="macro"),
        "test F1 of `same`": f1_score(true, predicted),
        "accuracy, exchanged": accuracy_score(true, predicted_exchanged),
        "F1 of `same`, exchanged": f1_score(true, predicted_exchanged),
        "predicted `same`, exchanged": predicted_exchanged.mean(),
    }
    cells = {name: "" if score is None else f"{score:.3f}" for name, score in scores.items()}
    return {"classifier": title, **cells}


def is_same(pairs: list[Document]) -> np.ndarray:
    """Which pairs are labelled `same`, (pairs,) bool."""
    return np.array([SAME in pair.labels for pair in pairs])


def texts_of(pairs: list[Document], *, exchanged: bool = False) -> tuple[list[str], list[str]]:
    """First and second texts; with `exchanged`, the second ones are shuffled among the pairs."""
    order = np.arange(len(pairs))
    if exchanged:
        order = random_generator(42, "exchanged pairs").permutation(len(pairs))
    return [pair.text for pair in pairs], [pairs[index].text_b or "" for index in order]


def classified(folder: Path, pairs: list[Document]) -> tuple[np.ndarray, np.ndarray]:
    """The classifier's predictions for the pairs, and for the pairs with shuffled second texts."""
    from training.prediction import Predictor

    classifier = Predictor(folder)
    same = classifier.task.labels.index(SAME)
    results = []
    for exchanged in (False, True):
        texts = list(zip(*texts_of(pairs, exchanged=exchanged), strict=True))
        results.append(classifier.probabilities(texts, 256).argmax(axis=1) == same)
    return results[0], results[1]


def linear_svm(
    pairs: dict[str, list[Document]],
) -> tuple[float, tuple[np.ndarray, np.ndarray]]:
    """A linear support vector machine on what two texts share and what only one has.

    For each TF-IDF feature, the smaller of both texts' values and their absolute difference; beside
    them the cosine, the shared fraction of the characters, and the difference of the lengths.
    Features are character 1- to 3-grams, or words and word pairs; the better kind, C and the
    threshold are chosen on the validation pairs.

    Returns:
        The best mean of micro and macro F1 on the validation pairs, and the predictions of that
        classifier for the test pairs and for the test pairs with shuffled second texts.
    """
    from scipy.sparse import csr_matrix, hstack
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.metrics import f1_score
    from sklearn.svm import LinearSVC

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
            texts = texts_of(documents, exchanged=exchanged)
            a, b = map(vectorizer.transform, texts)
            numbers = [shared_and_lengths(*both) for both in zip(*texts, strict=True)]
            cosine = a.multiply(b).sum(axis=1)
            return hstack([a.minimum(b), abs(a - b), cosine, np.array(numbers)]).tocsr()

        train, valid = features(pairs["train"]), features(pairs["valid"])
        test = [features(pairs["test"], exchanged=exchanged) for exchanged in (False, True)]
        for c in C_VALUES:
            model = LinearSVC(C=c).fit(train, true["train"])
            decisions = model.decision_function(valid)
            for threshold in np.quantile(decisions, np.linspace(0.3, 0.99, 70)):
                found = decisions >= threshold
                scores = [f1_score(true["valid"], found, average=a) for a in ("micro", "macro")]
                if np.mean(scores) > best[0]:
                    best = (float(np.mean(scores)), kind, c)
                    same, exchanged = (model.decision_function(each) for each in test)
                    chosen = (same >= threshold, exchanged >= threshold)
    print(f"\nLinear SVM: best on the validation pairs with {best[1]} and C = {best[2]:g}")
    return best[0], chosen


def shared_and_lengths(a: str, b: str) -> tuple[float, float]:
    """The shared fraction of the characters (Jaccard), and the relative difference of lengths."""
    first, second = set(a), set(b)
    longest = max(len(a), len(b), 1)
    return len(first & second) / max(len(first | second), 1), abs(len(a) - len(b)) / longest


if __name__ == "__main__":
    main()
