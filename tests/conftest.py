"""Shared fixtures: tiny files, tiny checkpoints of both stages, and the root scripts."""

import functools
import gc
import io
import os
import pickle
import runpy
import sys
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import settings

from tests.browsers import browser  # noqa: F401
from tests.processor_time import (  # noqa: F401
    pytest_runtest_makereport,
    pytest_runtest_setup,
    pytest_terminal_summary,
)

# While modules are imported, nothing becomes garbage: a sixth of the time of TensorFlow's import.
gc.disable()
# No deadlines: tests must not fail on a busy machine.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).parents[1]
TOPICS = {
    "盗窃": ("盗窃", "手机", "撬开", "门锁", "商店"),
    "故意伤害": ("殴打", "轻伤", "酒后", "拳头", "口角"),
    "诈骗": ("骗取", "虚构", "转账", "冒充", "汇款"),
}
COMMON = ("被告人", "当日", "公安机关", "案发")
BACKBONE_SIZES = {
    "text_cnn": {"num_filters": 8},
    "transformer": {"num_layer": 1},
    "lstm": {"num_layer": 1},
}


def text_of(labels, random):
    """A few sentences of words that indicate the labels, and of words common to all."""
    words = [word for label in labels for word in TOPICS[label]] + list(COMMON)
    sentences = range(random.integers(2, 6))
    return "".join("".join(random.choice(words, size=5)) + "。" for _ in sentences)


def lines_of(count, seed):
    """`text __label__A` lines, some with two labels."""
    random, names = np.random.default_rng(seed), list(TOPICS)
    lines = []
    for index in range(count):
        labels = random.choice(names, size=2 if index % 6 == 5 else 1, replace=False)
        tail = "".join(f" __label__{label}" for label in labels)
        lines.append(f"{text_of(labels, random)}{tail}\n")
    return lines


class Tiny:
    """Tiny files, and the options of tiny runs on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, count, seed in (("train", 60, 1), ("valid", 24, 2), ("test", 24, 3)):
            self.file(name).write_text("".join(lines_of(count, seed)), encoding="utf-8")
        lines = lines_of(40, 4)
        # Raw text without labels; its vocabulary differs from that of train.
        free = "".join(f"{line.split(' __label__')[0]}\n" for line in lines)
        self.file("free").write_text(free, encoding="utf-8")

    def file(self, name: str) -> Path:
        return self.folder / f"{name}.txt"

    def pretraining(self, backbone: str = "text_cnn", **changes: Any) -> dict[str, Any]:
        """Values for `PretrainingOptions`."""
        return {
            "mask_lm_source_file": [str(self.file("free")), str(self.file("train"))],
            "data_path": str(self.folder / "data"),
            "process_num": 1,
            "backbone": backbone,
            "preset": "tiny",
            "d_model": 16,
            "num_header": 2,
            "max_position": 64,
            "min_count": 1,
            "sequence_length_lm": 32,
            "batch_size": 16,
            "num_epochs": 2,
            "valid_ratio": 0.1,
            **BACKBONE_SIZES.get(backbone, {}),
            **changes,
        }

    def fine_tuning(self, **changes: Any) -> dict[str, Any]:
        """Values for `FineTuningOptions`."""
        return {
            "training_data_file": [str(self.file("train"))],
            "valid_data_file": [str(self.file("valid"))],
            "test_data_file": [str(self.file("test"))],
            "data_path": str(self.folder / "data"),
            "process_num": 1,
            "sequence_length": 32,
            "batch_size": 16,
            "num_epochs": 3,
            "learning_rate": 1e-2,
            "head_learning_rate": 1e-2,
            **changes,
        }


@dataclass(frozen=True)
class Run:
    """A pre-training and a fine-tuning on the tiny files.

    Attributes:
        pretrained, fine_tuned: the checkpoint folders.
        pretraining_metrics, fine_tuning_metrics: the metrics that the scripts returned.
    """

    pretrained: Path
    fine_tuned: Path
    pretraining_metrics: dict[str, Any]
    fine_tuning_metrics: dict[str, Any]


def pytest_configure():
    # No test cuts the power, and on some disks waiting takes longer than all else of a short run.
    os.fsync = lambda descriptor: None


def pytest_collection_finish():
    """What is imported stays: the collector of garbage need not look through it again and again."""
    # The graphs of tests are run a few times: optimizing them takes longer than it saves.
    if tensorflow := sys.modules.get("tensorflow"):
        tensorflow.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """Makes something once for all processes that run tests: `made_once(name, make)`.

    `make(folder)` gets an empty folder of its own; what it returns, which must be picklable, every
    process gets. Tests must not modify what is in the folder.
    """
    base = tmp_path_factory.getbasetemp()
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "made_once"
    root.mkdir(exist_ok=True)

    def once(name, make):
        result = root / f"{name}.pickle"
        with FileLock(root / f"{name}.lock"):
            if not result.exists():
                folder = root / name
                folder.mkdir()
                result.write_bytes(pickle.dumps(make(folder)))
        return pickle.loads(result.read_bytes())

    return once


@pytest.fixture(scope="session")
def tiny(made_once):
    return made_once("tiny", Tiny)


@pytest.fixture(scope="session")
def run_of(tiny, made_once):
    """Returns the `Run` of a backbone, which is made on first use. Tests must not modify it."""

    def make(backbone, folder):
        from train_bert_fine_tuning import fine_tune
        from train_bert_lm import pretrain
        from training.options.scripts import FineTuningOptions, PretrainingOptions

        first, second = folder / "lm", folder / "save"
        options = PretrainingOptions(**tiny.pretraining(backbone, ckpt_dir=str(first)))
        further = tiny.fine_tuning(ckpt_dir=str(first), ckpt_dir_save=str(second))
        with functions_run(eagerly=False):
            metrics = pretrain(options)
            return Run(first, second, metrics, fine_tune(FineTuningOptions(**further)))

    @functools.cache
    def run(backbone):
        return made_once(f"run_{backbone}", functools.partial(make, backbone))

    return lambda backbone="text_cnn": run(backbone)


@pytest.fixture(scope="session")
def pairs(made_once):
    """Files of pairs of texts."""
    from tests.pair_runs import Pairs

    return made_once("pairs", Pairs)


@pytest.fixture(scope="session")
def pretrained_on_pairs(pairs, made_once):
    """A pre-trained checkpoint. Tests must not modify it."""

    def make(_):
        with functions_run(eagerly=True):
            return pairs.pretraining("lm")

    return made_once("pretrained_on_pairs", make)


@pytest.fixture(scope="session")
def fine_tuned_on_pairs(pairs, pretrained_on_pairs, made_once):
    """A checkpoint that labels pairs as `same` or `different`. Tests must not modify it."""

    def make(folder):
        from train_bert_fine_tuning import fine_tune

        with functions_run(eagerly=False):
            save = folder / "save"
            fine_tune(pairs.options(ckpt_dir=pretrained_on_pairs, ckpt_dir_save=str(save)))
        return save

    return made_once("fine_tuned_on_pairs", make)


@contextmanager
def functions_run(*, eagerly: bool):
    """Runs Keras' steps without compiling them, which is faster for a few steps, or compiles them.

    For what is made when it is first asked for, whatever asks for it.
    """
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(eagerly)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


@pytest.fixture
def eagerly():
    """Runs Keras' steps without compiling them."""
    with functions_run(eagerly=True):
        yield


@pytest.fixture
def script(monkeypatch, capsys):
    """Runs a root script, or a module as a command, in this process.

    Returns:
        (exit status, standard output, standard error).
    """

    def run(name, *arguments, stdin=""):
        data = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        status = 0
        try:
            if name.endswith(".py"):
                runpy.run_path(str(ROOT / name), run_name="__main__")
            else:
                with warnings.catch_warnings():
                    # runpy warns if a test has already imported the module.
                    warnings.simplefilter("ignore", RuntimeWarning)
                    runpy.run_module(name, run_name="__main__")
        except SystemExit as stop:
            status = stop.code
        output = capsys.readouterr()
        return status, output.out, output.err

    return run


@pytest.fixture
def refused(script):
    """Runs a root script that must end with status 2 and one line on standard error; returns it."""

    def run(name, *arguments, stdin=""):
        status, out, err = script(name, *arguments, stdin=stdin)
        assert (status, out) == (2, "")
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        assert "Traceback" not in err
        return err.removeprefix("error: ").rstrip("\n")

    return run
