"""Is pre-training worth it? Data set x arm x seeds, every arm tuned with as many trials.

    python -m benchmarks.accuracy --data=DATA [--sets=cail2018,zhihu,goemotions]
        [--arms=svm,text_cnn/random,...] [--rates=1e-3,3e-3:6e-3,...] [--seeds=1,2,3]
        [--pretraining_epochs=N] [--folder=checkpoint_accuracy]

A rate is the backbone's and the head's; with a colon, the backbone's first. For each arm: its
trials are fitted with the first seed and compared on the validation documents, then the best one is
run with every seed and measured on the test documents, once. A threshold, one for all labels, is
tuned on the validation documents for every arm alike. Results are lines of `results.jsonl` in the
folder: a benchmark that was stopped goes on where it was, and what has been run is never run again.
The table at the end is also written to `table.md`.
"""

import argparse
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.accuracy_table import HEADER, row
from benchmarks.baselines import (
    FASTTEXT_TRIALS,
    REGRESSION_TRIALS,
    SVM_TRIALS,
    Baseline,
    FastText,
    Trial,
    logistic_regression,
    svm,
    word_vectors,
)
from benchmarks.data_sets import DATA_SETS, Split, labelled_files, read_splits
from benchmarks.results import Results
from benchmarks.two_steps import read_metrics, run
from data_util.documents import read_documents
from data_util.tokenizers import make_tokenizer
from training.metrics import best_threshold, classification_figures, decide

# Of the backbone and of the head.
RATES = ((1e-3, 1e-3), (3e-3, 3e-3), (6e-3, 6e-3))
EPOCHS = 6
# What of the gain comes with the settings, and not with the pre-trained weights?
AT_PRETRAINED_SETTINGS = "random_at_pretrained_settings"

Result = dict[str, Any]


class Benchmark:
    """One data set with all its arms.

    Args:
        data: the folder of the data sets.
        name: a key of `DATA_SETS`.
        folder: takes checkpoints, caches and results.
        rates: learning rates of backbone and head, the trials of the neural arms.
        pretraining_epochs: of step 1; None: the data set's own.
    """

    def __init__(
        self,
        data: Path,
        name: str,
        folder: Path,
        rates: Sequence[tuple[float, float]] = RATES,
        pretraining_epochs: int | None = None,
    ) -> None:
        self.name, self.set = name, DATA_SETS[name]
        self.pretraining_epochs = pretraining_epochs or self.set.pretraining_epochs
        self.folder = folder / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.results = Results(folder / "results.jsonl")
        self.files = labelled_files(data, name, self.folder)
        self.free_text = [data / path for path in self.set.free_text]
        self._rates: Sequence[Trial] = [
            {"learning_rate": backbone, "head_learning_rate": head} for backbone, head in rates
        ]
        self._splits: dict[str, Split] = {}

    def arms(self) -> dict[str, tuple[Sequence[Trial], Callable[[Trial, int, bool], Result]]]:
        """Each arm by name: its trials, and what fits one and measures it (trial, seed, test?)."""
        arms: dict[str, Any] = {
            "svm": (SVM_TRIALS, self._linear(svm)),
            "logistic_regression": (REGRESSION_TRIALS, self._linear(logistic_regression)),
            "fasttext": (FASTTEXT_TRIALS, self._fasttext("")),
            "fasttext/own_vectors": (FASTTEXT_TRIALS, self._fasttext("vectors.vec")),
        }
        for backbone in ("text_cnn", "transformer"):
            for start in ("random", "pretrained"):
                arms[f"{backbone}/{start}"] = (self._rates, self._neural(backbone, start))
            arms[f"{backbone}/{AT_PRETRAINED_SETTINGS}"] = (
                self._rates,
                self._neural(backbone, "random"),
            )
        return arms

    def run(self, arm: str, seeds: Sequence[int]) -> None:
        """Tunes an arm, then measures it with every seed."""
        fit = self.arms()[arm][1]
        best = self._best_trial(arm, seeds[0])
        for seed in seeds:
            self.results.once(
                self._setting(arm, trial=best, seed=seed, test=True),
                partial(fit, best, seed, True),
            )

    def _best_trial(self, arm: str, seed: int) -> Trial:
        """The trial of an arm, or of the arm whose settings it has, that is best on valid."""
        arm = arm.replace(AT_PRETRAINED_SETTINGS, "pretrained")
        trials, fit = self.arms()[arm]
        tried = [
            self.results.once(
                self._setting(arm, trial=trial, seed=seed, test=False),
                partial(fit, trial, seed, False),
            )
            for trial in trials
        ]
        return trials[int(np.argmax([result["valid"]["f1"] for result in tried]))]

    def measured(self, arm: str, seeds: Sequence[int]) -> list[Result]:
        """The results of an arm's best trial, one for each seed that was run."""
        trials = self.arms()[arm][0]
        found = []
        for trial in trials:
            for seed in seeds:
                setting = self._setting(arm, trial=trial, seed=seed, test=True)
                if (result := self.results.get(setting)) is not None:
                    found.append(result)
        return found

    def _setting(self, arm: str, **choices: Any) -> dict[str, Any]:
        """What tells a run from all others."""
        if arm.endswith(("/pretraining", "/pretrained")):
            choices["pretraining_epochs"] = self.pretraining_epochs
        return {"set": self.name, "arm": arm, **choices}

    @property
    def splits(self) -> dict[str, Split]:
        """The documents, read when the first baseline asks for them."""
        if not self._splits:
            self._splits = read_splits(self.files)
        return self._splits

    def _linear(self, make: Callable[..., Baseline]) -> Callable[[Trial, int, bool], Result]:
        def fit(trial: Trial, seed: int, test: bool) -> Result:
            train = self.splits["train"]
            began = time.monotonic()
            model = make(train.texts, train.targets, self.set.features, trial)
            return self._measure(model, list, test, time.monotonic() - began)

        return fit

    def _fasttext(self, vectors: str) -> Callable[[Trial, int, bool], Result]:
        def fit(trial: Trial, seed: int, test: bool) -> Result:
            began = time.monotonic()
            path = self.folder / vectors if vectors else None
            if path is not None and not path.exists():
                sources = [*self.free_text, self.files["train"]]
                word_vectors(
                    self._tokenized(
                        document.text for document in read_documents(sources, labelled=False)
                    ),
                    path,
                )
            train = self.splits["train"]
            tokenized = self._tokenized(train.texts)
            model = FastText(tokenized, train.targets, str(path or ""), trial, seed)
            return self._measure(model, self._tokenized, test, time.monotonic() - began)

        return fit

    def _tokenized(self, texts: Iterator[str] | Sequence[str]) -> list[str]:
        tokenizer = make_tokenizer(self.set.tokenize_style)
        return [" ".join(tokenizer.tokenize(text)) for text in texts]

    def _measure(
        self,
        model: Baseline,
        prepare: Callable[[Sequence[str]], list[str]],
        test: bool,
        seconds: float,
    ) -> Result:
        scores = {}
        began = time.monotonic()
        for split in ("valid", "test") if test else ("valid",):
            scores[split] = model.scores(prepare(self.splits[split].texts))
        documents = sum(len(self.splits[split].texts) for split in scores)
        rate = documents / (time.monotonic() - began)
        threshold = best_threshold(scores["valid"], self.splits["valid"].targets > 0)
        figures = {
            split: classification_figures(
                self.splits[split].targets > 0,
                decide(values, np.full(values.shape[1], threshold), "multi_label"),
            )
            for split, values in scores.items()
        }
        return {
            **figures,
            "threshold": threshold,
            "seconds": seconds,
            "documents_per_second": rate,
            "parameters": model.parameters(),
            "bytes": model.bytes(),
        }

    def _neural(self, backbone: str, start: str) -> Callable[[Trial, int, bool], Result]:
        def fit(trial: Trial, seed: int, test: bool) -> Result:
            pretrained, seconds = self._pretrained(backbone)
            rates = "_".join(f"{rate:g}" for rate in trial.values())
            name = pretrained.name if start == "pretrained" else f"{backbone}_{start}"
            target = self.folder / f"{name}_{rates}_{seed}"
            options = {
                "data_path": self.folder,
                "training_data_file": self.files["train"],
                "valid_data_file": self.files["valid"],
                "test_data_file": "",
                **trial,
                "num_epochs": EPOCHS,
                "patience": EPOCHS,
                "seed": seed,
                "ckpt_dir_save": target,
                "ckpt_dir": pretrained if start == "pretrained" else "",
            }
            if start == "random":
                # The pre-trained one's vocabulary, so that both models have the same shape.
                options |= {
                    "backbone": backbone,
                    "vocab_file": pretrained / "vocab.txt",
                    "tokenize_style": self.set.tokenize_style,
                }
            # A run that is there already is not run again: it says so and ends.
            script("train_bert_fine_tuning.py", options)
            return {
                **learned(target),
                "pretraining_seconds": seconds if start == "pretrained" else 0.0,
                **(measured(target, self.splits["test"]) if test else {}),
            }

        return fit

    def _pretrained(self, backbone: str) -> tuple[Path, float]:
        target = self.folder / f"{backbone}_pretrained_{self.pretraining_epochs}"
        sources = ",".join(str(path) for path in [*self.free_text, self.files["train"]])

        def pretrain() -> Result:
            began = time.monotonic()
            script(
                "train_bert_lm.py",
                {
                    "data_path": self.folder,
                    "backbone": backbone,
                    "mask_lm_source_file": sources,
                    "tokenize_style": self.set.tokenize_style,
                    "num_epochs": self.pretraining_epochs,
                    "ckpt_dir": target,
                },
            )
            return {"seconds": time.monotonic() - began}

        setting = self._setting(f"{backbone}/pretraining")
        return target, self.results.once(setting, pretrain)["seconds"]


def learned(folder: Path) -> Result:
    """What a run of step 2 wrote of itself: its best validation, its curves and its time."""
    metrics = read_metrics(folder)
    history = metrics["history"]
    return {
        "valid": history[metrics["best_epoch"] - 1]["valid"],
        "network_f1": [entry["network_f1"] for entry in metrics.get("bag_of_words", [])],
        "curve": [entry["valid"]["f1"] for entry in history],
        "loss": [entry["train"]["loss"] for entry in history],
        "seconds": sum(entry["seconds"] for entry in history),
    }


def measured(folder: Path, split: Split) -> Result:
    """Test figures, speed and size of a checkpoint, by the code that labels new text."""
    # Imported here: the baselines need no TensorFlow.
    from training.prediction import Classifier

    classifier = Classifier(folder)
    classifier.probabilities(split.texts)  # traces every length
    began = time.monotonic()
    probabilities = classifier.probabilities(split.texts)
    rate = len(split.texts) / (time.monotonic() - began)
    known = {label: column for column, label in enumerate(classifier.labels.labels)}
    missing = set(split.labels) - set(known)
    columns = [known.get(label, 0) for label in split.labels]
    decisions = decide(probabilities, classifier.thresholds, "multi_label")[:, columns]
    # A label that no training or validation document has is never predicted.
    decisions[:, [label in missing for label in split.labels]] = False
    return {
        "test": classification_figures(split.targets > 0, decisions),
        "documents_per_second": rate,
        "parameters": classifier.model.count_params(),
        "bytes": (folder / "model.weights.h5").stat().st_size,
    }


def script(name: str, options: dict[str, Any]) -> None:
    """Runs a script of the project as a user would; ends this program if it fails.

    A run that was stopped before goes on where it was.
    """
    run(name, *(f"--{key}={value}" for key, value in options.items()))


def rate_pairs(text: str) -> list[tuple[float, float]]:
    """The pairs that `--rates` names: `3e-3` is both rates, `1e-3:3e-3` the backbone's first."""
    pairs = [pair.partition(":") for pair in text.split(",")]
    return [(float(backbone), float(head or backbone)) for backbone, _, head in pairs]


def main() -> None:
    """Runs what is asked for and prints the table of all that has been run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--sets", default="cail2018", help=f"of {', '.join(DATA_SETS)}")
    parser.add_argument("--arms", default="", help="default: all")
    parser.add_argument(
        "--rates", type=rate_pairs, default=RATES, help="of backbone and head, in the neural trials"
    )
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--pretraining_epochs", type=int, help="default: the data set's own")
    parser.add_argument("--folder", type=Path, default=Path("checkpoint_accuracy"))
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    lines = [HEADER]
    for name in arguments.sets.split(","):
        benchmark = Benchmark(
            arguments.data, name, arguments.folder, arguments.rates, arguments.pretraining_epochs
        )
        for arm in arguments.arms.split(",") if arguments.arms else benchmark.arms():
            benchmark.run(arm, seeds)
        for arm in benchmark.arms():
            if results := benchmark.measured(arm, seeds):
                lines.append(row(name, arm, results))
    table = "\n".join(lines) + "\n"
    (arguments.folder / "table.md").write_text(table, encoding="utf-8")
    print(f"\n{table}")


if __name__ == "__main__":
    main()
