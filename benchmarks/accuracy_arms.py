"""What fits one arm of the accuracy benchmark and measures it."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.baselines import Baseline, FastText, Trial, word_vectors
from benchmarks.data_sets import DATA_SETS, Split, labelled_files, read_splits
from benchmarks.fine_tuned import Result, learned, measured, script
from benchmarks.results import Results
from data_util.documents import read_documents
from data_util.tokenizers import make_tokenizer
from models.tables import BACKBONES
from tasks.classification.metrics import best_threshold, classification_metrics, decide

EPOCHS = 6

# Of a trial, a seed, and whether the test documents are measured too.
Fit = Callable[[Trial, int, bool], Result]


class Arms:
    """One data set, and what can be fitted to it.

    Args:
        data: the folder of the data sets.
        name: a key of `DATA_SETS`.
        folder: takes checkpoints and caches.
        results: keeps how long step 1 took.
        pretraining_epochs: of step 1; None: the data set's own.
        preset: of the networks.
    """

    def __init__(
        self,
        data: Path,
        name: str,
        folder: Path,
        results: Results,
        pretraining_epochs: int | None = None,
        preset: str = "small",
    ) -> None:
        self.name, self.set = name, DATA_SETS[name]
        self.preset = preset
        self.pretraining_epochs = pretraining_epochs or self.set.pretraining_epochs
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.files = labelled_files(data, name, self.folder)
        self.free_text = [data / path for path in self.set.free_text]
        self._results = results
        self._splits: dict[str, Split] = {}

    def setting(self, arm: str, **choices: Any) -> dict[str, Any]:
        """What tells a run from all others."""
        if arm.endswith(("/pretraining", "/pretrained")):
            choices["pretraining_epochs"] = self.pretraining_epochs
        if self.preset != "small" and arm.partition("/")[0] in BACKBONES:
            choices["preset"] = self.preset
        return {"set": self.name, "arm": arm, **choices}

    @property
    def splits(self) -> dict[str, Split]:
        """The documents, read when the first baseline asks for them."""
        if not self._splits:
            self._splits = read_splits(self.files)
        return self._splits

    def linear(self, make: Callable[..., Baseline]) -> Fit:
        """TF-IDF with the linear classifier that `make` makes."""

        def fit(trial: Trial, seed: int, test: bool) -> Result:
            train = self.splits["train"]
            began = time.monotonic()
            model = make(train.texts, train.targets, self.set.features, trial)
            return self._measure(model, list, test, time.monotonic() - began)

        return fit

    def fasttext(self, vectors: str) -> Fit:
        """fastText; with a file name, from vectors of its own that it learns from all the text."""

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
            split: classification_metrics(
                self.splits[split].targets > 0,
                decide(values, np.full(values.shape[1], threshold)),
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

    def neural(self, backbone: str, start: str) -> Fit:
        """Step 2 from "random" weights, or from "pretrained" ones of a step 1 that is run once."""

        def fit(trial: Trial, seed: int, test: bool) -> Result:
            pretrained, seconds = self._pretrained(backbone)
            rates = "_".join(f"{rate:g}" for rate in trial.values())
            name = pretrained.name if start == "pretrained" else f"{self._named(backbone)}_{start}"
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
                    "preset": self.preset,
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

    def _named(self, backbone: str) -> str:
        return backbone if self.preset == "small" else f"{backbone}_{self.preset}"

    def _pretrained(self, backbone: str) -> tuple[Path, float]:
        target = self.folder / f"{self._named(backbone)}_pretrained_{self.pretraining_epochs}"
        sources = ",".join(str(path) for path in [*self.free_text, self.files["train"]])

        def pretrain() -> Result:
            began = time.monotonic()
            script(
                "train_bert_lm.py",
                {
                    "data_path": self.folder,
                    "backbone": backbone,
                    "preset": self.preset,
                    "mask_lm_source_file": sources,
                    "tokenize_style": self.set.tokenize_style,
                    "num_epochs": self.pretraining_epochs,
                    "ckpt_dir": target,
                },
            )
            return {"seconds": time.monotonic() - began}

        setting = self.setting(f"{backbone}/pretraining")
        return target, self._results.once(setting, pretrain)["seconds"]
