"""The systems that experiments train and evaluate: linear classifiers, fastText and networks."""

import time
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from benchmarks.lib.baselines import (
    Baseline,
    FastText,
    Trial,
    logistic_regression,
    svm,
    word_vectors,
)
from benchmarks.lib.data_sets import (
    DATA_SETS,
    Split,
    first_documents,
    first_lines,
    labelled_files,
    read_splits,
)
from benchmarks.lib.runs import flags, read_metrics, run, validations
from data_util.reading.documents import read_documents
from data_util.tokens.tokenizers import make_tokenizer
from tasks.classification.decisions import decide
from tasks.classification.metrics import best_thresholds, classification_metrics

ROOT = Path(__file__).parents[2]

Result = dict[str, Any]
Options = Mapping[str, Any]

LINEAR: dict[str, Callable[..., Baseline]] = {
    "svm": svm,
    "logistic_regression": logistic_regression,
}


class Workspace:
    """A data set, and the folder of the models trained on it.

    Args:
        data: the folder of the data sets.
        name: a key of `DATA_SETS`.
        folder: for checkpoints and caches; it is created. With `labelled_documents`, their number
            is added to its name.
        pretrained: a checkpoint to use instead of any pre-training.
        checkout: a checkout of the first version of this project, to run instead of emulating it.
        labelled_documents: how many of the labelled documents to train on, the first ones; 0: all.
            The others are raw text: pre-training reads them without their labels.
    """

    def __init__(
        self,
        data: Path,
        name: str,
        folder: Path,
        pretrained: Path | None = None,
        checkout: Path | None = None,
        labelled_documents: int = 0,
    ) -> None:
        if labelled_documents:
            folder = folder.with_name(f"{folder.name}-{labelled_documents}")
        folder.mkdir(parents=True, exist_ok=True)
        self.name, self.folder, self.data_set = name, folder, DATA_SETS[name]
        self.data = data
        self.pretrained, self.checkout = pretrained, checkout
        self.labelled_documents = labelled_documents
        self.files = labelled_files(data, name, folder)
        free_text = [data / path for path in self.data_set.free_text]
        self.sources = [*free_text, self.files["train"]]
        if labelled_documents:
            self.files["train"] = first_lines(self.files["train"], folder, labelled_documents)

    @cached_property
    def splits(self) -> dict[str, Split]:
        """The labelled documents; read on first use."""
        return read_splits(self.files)

    @property
    def tokenizer(self) -> dict[str, str]:
        """The option of the networks' tokenizer; none for the default."""
        style = self.data_set.tokenize_style
        return {"tokenize_style": style} if style else {}

    def with_knowledge(self, options: Options) -> dict[str, Any]:
        """Replaces "knowledge" by the options for raw text and descriptions that name labels.

        Args:
            options: "knowledge" may be "mentions", "descriptions" or "both".
        """
        options = dict(options)
        wanted = options.pop("knowledge", "")
        known = self.data_set.knowledge
        if wanted in ("mentions", "both"):
            options["mention_source_file"] = self.data / known["mention_source_file"]
            options["label_pattern_file"] = ROOT / "data" / "label_patterns_zh.txt"
        if wanted in ("descriptions", "both"):
            options["label_descriptions_file"] = self.data / known["label_descriptions_file"]
        return options

    def tokenized(self, texts: Iterable[str]) -> list[str]:
        """The tokens of each text, joined by spaces."""
        tokenizer = make_tokenizer(self.data_set.tokenize_style or "word")
        return [" ".join(tokenizer.tokenize(text)) for text in texts]


def fit_baseline(
    workspace: Workspace, system: str, trial: Trial, seed: int, *, test: bool
) -> Result:
    """Trains a baseline and evaluates it on the validation documents.

    Args:
        workspace: the data set and its folder.
        system: a key of `LINEAR`, "fasttext", or "fasttext/own_vectors", which starts from word
            vectors trained on all the text.
        trial: the settings of the baseline; without "features", a linear one reads the data set's
            first ones.
        seed: the seed of fastText.
        test: whether to evaluate it on the test documents too.
    """
    train, began = workspace.splits["train"], time.monotonic()
    prepare: Callable[[Iterable[str]], list[str]] = workspace.tokenized
    if system in LINEAR:
        prepare = list
        settings = {"features": workspace.data_set.features[0], **trial}
        model = LINEAR[system](train.texts, train.targets, **settings)
    else:
        path = workspace.folder / "vectors.vec" if system == "fasttext/own_vectors" else None
        if path and not path.exists():
            documents = read_documents(workspace.sources, labelled=False)
            word_vectors(prepare(document.text for document in documents), path)
        model = FastText(prepare(train.texts), train.targets, str(path or ""), trial, seed)
    seconds, began = time.monotonic() - began, time.monotonic()
    splits = {name: workspace.splits[name] for name in ("valid", "test")[: 1 + test]}
    scores = {name: model.scores(prepare(split.texts)) for name, split in splits.items()}
    rate = sum(map(len, scores.values())) / (time.monotonic() - began)
    # One threshold for all labels, in steps of the logits that the scores are read as.
    frequencies = np.zeros(scores["valid"].shape[1])
    odds = np.clip(scores["valid"], 1e-9, 1 - 1e-9)
    logits = np.log(odds) - np.log1p(-odds)
    in_logits, _ = best_thresholds(logits, splits["valid"].targets > 0, frequencies, slopes=(0.0,))
    thresholds = expit(in_logits)
    exclusive = workspace.data_set.task == "multi_class"
    metrics = {
        name: classification_metrics(
            split.targets > 0, decide(scores[name], thresholds, exclusive=exclusive)
        )
        for name, split in splits.items()
    }
    return {
        **metrics,
        "threshold": float(thresholds[0]),
        "seconds": seconds,
        "documents_per_second": rate,
        "parameters": model.parameters(),
        "bytes": model.bytes(),
    }


def pretrain(workspace: Workspace, options: Options, checkout: Path | None = None) -> Path:
    """Runs a pre-training unless it is complete; returns its checkpoint folder.

    Args:
        workspace: the data set and its folder.
        options: options of `train_bert_lm.py`; "documents" limits the number of documents.
        checkout: another version of this project to run.
    """
    if workspace.pretrained:
        return workspace.pretrained
    name = _name(options) if checkout is None else f"{_name(options)}-{checkout.name}"
    folder = workspace.folder / name / "pretrained"
    options, sources = dict(options), workspace.sources
    if count := options.pop("documents", None):
        sources = [workspace.folder / f"first_{count}.txt"]
        if not sources[0].exists():
            first_documents(workspace.sources, sources[0], count)
    options |= {
        # Each version has its own folder of caches, as their formats may differ.
        "data_path": workspace.folder if checkout is None else folder.parent,
        "mask_lm_source_file": ",".join(map(str, sources)),
        **workspace.tokenizer,
        "ckpt_dir": folder,
    }
    run("train_bert_lm.py", *flags(options), checkout=checkout)
    return folder


def fit_network(
    workspace: Workspace,
    pretraining: Options,
    fine_tuning: Options,
    *,
    random_weights: bool,
    test: bool,
    own_vocabulary: bool = False,
) -> Result:
    """Pre-trains and fine-tunes a network, unless that is complete, and reads its metrics.

    Args:
        workspace: the data set and its folder.
        pretraining: options of `train_bert_lm.py`.
        fine_tuning: options of `train_bert_fine_tuning.py`.
        random_weights: whether to fine-tune from random weights, with the vocabulary of the
            pre-training, so that both networks have the same shape.
        test: whether to evaluate it on the test documents too.
        own_vocabulary: with `random_weights`, to pre-train nothing and let fine-tuning build its
            own vocabulary.
    """
    alone = random_weights and own_vocabulary
    pretrained = Path() if alone else pretrain(workspace, pretraining)
    start = "own_vocabulary" if alone else "random" if random_weights else "pretrained"
    folder = workspace.folder / _name(pretraining) / f"{start}-{_name(fine_tuning)}"
    options = {
        "task": workspace.data_set.task,
        **workspace.with_knowledge(fine_tuning),
        "data_path": workspace.folder,
        "training_data_file": workspace.files["train"],
        "valid_data_file": workspace.files["valid"],
        "test_data_file": "",
        "ckpt_dir": "" if random_weights else pretrained,
        "ckpt_dir_save": folder,
    }
    if random_weights:
        shared = {name: pretraining[name] for name in ("backbone", "preset") if name in pretraining}
        options |= {
            **shared,
            **workspace.tokenizer,
            "vocab_file": "" if alone else pretrained / "vocab.txt",
        }
    run("train_bert_fine_tuning.py", *flags(options))
    epochs = [] if random_weights else read_metrics(pretrained)["history"]
    return {
        **read_history(folder),
        "pretraining_seconds": sum(entry["seconds"] for entry in epochs),
        **(evaluate_checkpoint(folder, workspace.splits["test"]) if test else {}),
    }


def read_history(folder: Path) -> Result:
    """Reads the history of a fine-tuning: its best validation, curves and training time."""
    metrics = read_metrics(folder)
    history, valid = metrics["history"], validations(metrics)
    return {
        "valid": history[metrics["best_epoch"] - 1]["valid"],
        "network_f1": [entry["network_f1"] for entry in metrics.get("tfidf_classifier", [])],
        "curve": [each["f1"] for each in valid],
        "loss": [entry["train"]["loss"] for entry in history],
        "valid_loss": [each["loss"] for each in valid],
        "seconds": sum(entry["seconds"] for entry in history),
    }


def read_pretraining(folder: Path) -> Result:
    """Reads the time and the validation metrics of each epoch of a pre-training."""
    history = read_metrics(folder)["history"]
    names = ("masked_lm_loss", "masked_lm_accuracy")
    return {
        "epoch_seconds": [entry["seconds"] for entry in history],
        **{name: [entry["valid"][name] for entry in history] for name in names},
    }


def evaluate_checkpoint(folder: Path, split: Split) -> Result:
    """Evaluates the metrics, speed and size of a checkpoint with the code of `predict.py`."""
    # Imported here: the baselines need no TensorFlow.
    from training.prediction import Predictor

    classifier = Predictor(folder)
    classifier.probabilities(split.texts)  # traces every length
    began = time.monotonic()
    probabilities = classifier.probabilities(split.texts)
    rate = len(split.texts) / (time.monotonic() - began)
    task: Any = classifier.task
    known = {label: column for column, label in enumerate(task.labels)}
    columns = [known.get(label, 0) for label in split.labels]
    decisions = decide(probabilities, task.thresholds, at_least_one=task.at_least_one)
    decisions = decisions[:, columns]
    # A label that no training or validation document has is never predicted.
    decisions[:, [label not in known for label in split.labels]] = False
    return {
        "test": classification_metrics(split.targets > 0, decisions),
        "documents_per_second": rate,
        "parameters": classifier.model.count_params(),
        "bytes": (folder / "model.weights.h5").stat().st_size,
    }


def _name(options: Options) -> str:
    """A folder name for these options; equal options give the same name, so nothing runs twice."""
    return "-".join(f"{name}_{value}" for name, value in options.items())
