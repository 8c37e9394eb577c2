"""The tables of `benchmarks.experiments` and their variants."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.lib.baselines import (
    FASTTEXT_TRIALS,
    REGRESSION_TRIALS,
    SVM_TRIALS,
    TUNED_SVM_TRIALS,
    Trial,
)
from benchmarks.lib.experiment_tables import SeedResults, comparison, first_epochs, time_to_loss
from benchmarks.lib.systems import (
    Options,
    Result,
    Workspace,
    fit_baseline,
    fit_network,
    pretrain,
    read_pretraining,
)


@dataclass(frozen=True)
class Variant:
    """A row of a table: a network, or a baseline if `pretraining` is None.

    Attributes:
        name: the name in the table and in the results; for a baseline, that of `fit_baseline`.
        pretraining: options of `train_bert_lm.py`; "num_epochs" defaults to that of the data set.
        fine_tuning: options of `train_bert_fine_tuning.py`; None for pre-training only.
        random_weights: whether fine-tuning starts from random weights.
        trials: settings that are compared on the validation documents; the best one is used.
        first_version: further options of pre-training with which it emulates the first version of
            this project; with `--checkout`, that version runs instead, without them.
        own_vocabulary: with `random_weights`, whether the vocabulary is that of the labelled
            documents, as a user's would be, and nothing is pre-trained; by default, it is that of
            the pre-training, so that both networks have the same shape.
    """

    name: str
    pretraining: Options | None = None
    fine_tuning: Options | None = None
    random_weights: bool = False
    trials: Sequence[Trial] = ({},)
    first_version: Options = field(default_factory=dict)
    own_vocabulary: bool = False

    def changed(
        self, pretraining: Options, fine_tuning: Options, rates: Sequence[Trial] = ()
    ) -> "Variant":
        """Adds options, and replaces the learning rates if its trials consist of these."""
        variant = self
        if self.pretraining is not None:
            variant = replace(variant, pretraining={**self.pretraining, **pretraining})
        if self.fine_tuning is not None:
            variant = replace(variant, fine_tuning={**self.fine_tuning, **fine_tuning})
        if rates and self.trials[0].keys() == rates[0].keys():
            variant = replace(variant, trials=rates)
        return variant

    def trials_for(self, workspace: Workspace) -> list[Trial]:
        """The trials that make sense for a data set."""
        return [
            trial
            for trial in self.trials
            if trial.get("features") in (None, *workspace.data_set.features)
        ]

    def setting(self, workspace: Workspace, trial: Trial, seed: int, test: bool) -> dict[str, Any]:
        """The key of a result in the file of results."""
        setting: dict[str, Any] = {"data_set": workspace.name, "variant": self.name}
        setting |= {"trial": trial, "seed": seed, "test": test}
        if self.pretraining is not None:
            setting["pretraining"] = self.pretraining_options(workspace)
            if self.random_weights:
                # They use only its vocabulary, which does not depend on the epochs.
                del setting["pretraining"]["num_epochs"]
        if self.fine_tuning is not None:
            setting["fine_tuning"] = dict(self.fine_tuning)
            if workspace.pretrained and not (self.random_weights and self.own_vocabulary):
                setting["checkpoint"] = str(workspace.pretrained)
        if workspace.labelled_documents:
            setting["labelled_documents"] = workspace.labelled_documents
        if checkout := self._checkout(workspace):
            setting["checkout"] = str(checkout)
        return setting

    def fit(self, workspace: Workspace, trial: Trial, seed: int, test: bool) -> Result:
        """Trains with the settings of a trial and evaluates; `test`: on the test documents too."""
        if self.pretraining is None:
            return fit_baseline(workspace, self.name, trial, seed, test=test)
        pretraining = self.pretraining_options(workspace)
        if self.fine_tuning is None:
            options = {**pretraining, "seed": seed}
            return read_pretraining(pretrain(workspace, options, self._checkout(workspace)))
        fine_tuning = {**self.fine_tuning, **trial, "seed": seed}
        return fit_network(
            workspace,
            pretraining,
            fine_tuning,
            random_weights=self.random_weights,
            own_vocabulary=self.own_vocabulary,
            test=test,
        )

    def pretraining_options(self, workspace: Workspace) -> dict[str, Any]:
        """The options of `train_bert_lm.py`, with the number of epochs."""
        options = {"num_epochs": workspace.data_set.pretraining_epochs, **(self.pretraining or {})}
        return options if self._checkout(workspace) else {**options, **self.first_version}

    def _checkout(self, workspace: Workspace) -> Path | None:
        return workspace.checkout if self.first_version else None


@dataclass(frozen=True)
class Table:
    """Variants that are compared.

    Attributes:
        variants: the rows.
        text: formats the results of each variant as a Markdown table.
        seeds: the seeds with which each variant is trained; trials are compared with the first one.
    """

    variants: Sequence[Variant]
    text: Callable[[Mapping[str, SeedResults]], str] = comparison
    seeds: Sequence[int] = (42,)


def rates(backbone: float, head: float | None = None) -> Trial:
    """A trial: the learning rate of the backbone, and that of the head if it differs."""
    return {"learning_rate": backbone, "head_learning_rate": backbone if head is None else head}


def _accuracy() -> list[Variant]:
    """Is pre-training worth it? Every system uses the best of several settings."""
    variants = [
        Variant("svm", trials=SVM_TRIALS),
        Variant("logistic_regression", trials=REGRESSION_TRIALS),
        Variant("fasttext", trials=FASTTEXT_TRIALS),
        Variant("fasttext/own_vectors", trials=FASTTEXT_TRIALS),
    ]
    for backbone in ("text_cnn", "transformer"):
        trials = [rates(1e-3), rates(3e-3), rates(6e-3)]
        fine_tuning = {"num_epochs": 6, "patience": 6}
        variants += [
            Variant(f"{backbone}/{start}", {"backbone": backbone}, fine_tuning, random, trials)
            for start, random in (("random", True), ("pretrained", False))
        ]
    return variants


def _texts() -> list[Variant]:
    """The defaults, on every kind of text, beside what a user would pick instead.

    The data sets with raw text or descriptions that name labels have further rows.
    """
    pretraining = {"backbone": "text_cnn"}
    return [
        Variant("svm", trials=TUNED_SVM_TRIALS),
        Variant("text_cnn/random", pretraining, {}, random_weights=True, own_vocabulary=True),
        Variant("text_cnn/pretrained", pretraining, {}),
        *(
            Variant(f"text_cnn/pretrained/{knowledge}", pretraining, {"knowledge": knowledge})
            for knowledge in ("descriptions", "mentions", "both")
        ),
    ]


def _ablations() -> list[Variant]:
    """The defaults of fine-tuning, and variants with one change each."""
    changes: dict[str, Options] = {
        "default": {},
        "no_tfidf_classifier": {"tfidf_classifier": False},
        "pooled_head": {"head": "pooled"},
        "256_tokens": {"sequence_length": 256},
        "backbone_rate_1e-3": {"learning_rate": 1e-3},
        "backbone_rate_3e-4": {"learning_rate": 3e-4},
        "threshold_0.5": {"threshold": 0.5},
        "twice_the_dropout": {"dropout_keep_prob": 0.8},
        "random_weights": {},
    }
    return [
        Variant(name, {"backbone": "text_cnn"}, change, random_weights=name == "random_weights")
        for name, change in changes.items()
    ]


def _pretraining_gain() -> list[Variant]:
    """Random and pre-trained weights with the same settings, in short runs."""
    variants = []
    for backbone, pretraining, epochs, trial in (
        ("text_cnn", {"num_epochs": 3}, 6, rates(3e-3)),
        ("transformer", {"num_epochs": 1, "learning_rate": 1e-3}, 5, rates(1e-3, 3e-3)),
    ):
        options = {"backbone": backbone, **pretraining}
        fine_tuning = {"num_epochs": epochs, "patience": epochs}
        variants += [
            Variant(f"{backbone}/{start}", options, fine_tuning, start == "random", [trial])
            for start in ("random", "pretrained")
        ]
    return variants


def _original() -> list[Variant]:
    """The table of the original project: F1 over 35 epochs, each start at its own best rate."""
    variants = []
    for start, rate in (("random", 1e-3), ("pretrained", 3e-3)):
        # The table is about the network, so the TF-IDF classifier is disabled.
        fine_tuning = {"tfidf_classifier": False, "num_epochs": 35, "patience": 35}
        pretraining = {"backbone": "text_cnn", "num_epochs": 3}
        variant = Variant(start, pretraining, fine_tuning, start == "random", [rates(rate)])
        # With a learning rate of 0, the first validation evaluates the initial weights.
        untrained = {**rates(0.0), "num_epochs": 1}
        variants += [replace(variant, name=f"{start}/untrained", trials=[untrained]), variant]
    return variants


def _positions() -> list[Variant]:
    """How fast does a Transformer learn with each kind of positional encoding?"""
    options = {"backbone": "transformer", "num_epochs": 3}
    return [
        Variant(f"transformer/{kind}", {**options, "position": kind})
        for kind in ("rotary", "learned")
    ]


def _time_to_loss() -> list[Variant]:
    """How much sooner does pre-training reach a loss than with this project's first version?"""
    variants = []
    for backbone, first in (
        ("text_cnn", {"num_sampled": 0}),
        ("transformer", {"num_sampled": 0, "position": "learned"}),
    ):
        options = {"backbone": backbone, "num_epochs": 4, "process_num": 1, "documents": 1000}
        defaults = Variant(f"{backbone}/defaults", options)
        variants += [
            replace(defaults, name=f"{backbone}/first_version", first_version=first),
            defaults,
        ]
    return variants


TABLES = {
    "accuracy": Table(_accuracy(), seeds=(1, 2, 3)),
    "texts": Table(_texts(), seeds=(1, 2, 3)),
    "ablations": Table(_ablations(), seeds=(1,)),
    "pretraining_gain": Table(_pretraining_gain()),
    "original": Table(_original(), first_epochs),
    "positions": Table(_positions(), time_to_loss),
    "time_to_loss": Table(_time_to_loss(), time_to_loss),
}
