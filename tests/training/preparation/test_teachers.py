"""What fine-tuned checkpoints say of records, and the cache of it."""

import logging

import keras
import numpy as np
import pytest

from common.errors import CheckpointError, InputError, OptionError
from data_util.reading.labels import LabelSet
from models.checkpoints.folder import read_checkpoint
from tasks.classification.task import MultiLabel
from tasks.loading import load_task
from tests.conftest import TOPICS
from training.devices import distribution
from training.options.scripts import FineTuningOptions
from training.prediction import Predictor
from training.preparation import teachers as module
from training.preparation.teachers import CheckpointTeachers, chosen

TEXTS = ["被告人盗窃手机。", "酒后殴打他人。", "被告人", "冒充他人骗取汇款。"]


def source(texts):
    return lambda: iter(texts)


@pytest.fixture
def teacher(run_of):
    return run_of().fine_tuned


@pytest.fixture
def task(teacher):
    """With the teacher's labels in another order."""
    labels = load_task(read_checkpoint(teacher)).labels
    return MultiLabel(LabelSet(labels[::-1]))


@pytest.fixture
def ask(tmp_path, task):
    def make(*folders, sources=(TEXTS,), task=task):
        teachers = CheckpointTeachers(list(map(read_checkpoint, folders)), tmp_path / "cache")
        return teachers(task, [source(texts) for texts in sources])

    return make


def test_the_logits_of_predict_py_in_the_order_of_the_labels(ask, teacher, task):
    keras.config.set_dtype_policy("mixed_bfloat16")  # That of the run.
    try:
        ((labelled, raw), (same, _)) = ask(teacher, teacher, sources=(TEXTS, TEXTS[:1]))
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")
    assert (len(labelled), len(raw)) == (4, 1)
    rows = np.array([3, 0, 2, 1])
    found = task.probabilities(labelled[rows])
    expected = Predictor(teacher).probabilities([TEXTS[row] for row in rows])[:, ::-1]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_array_equal(labelled[rows], same[rows])
    np.testing.assert_allclose(raw[np.array([0])], labelled[np.array([0])], rtol=1e-5)


def test_are_computed_once(ask, teacher, tmp_path, monkeypatch, caplog):
    ((before,),) = ask(teacher)
    calls = []
    monkeypatch.setattr(module, "_load", lambda checkpoint: calls.append(1))
    caplog.set_level(logging.INFO)
    ((again,),) = ask(teacher)
    rows = np.arange(4)
    np.testing.assert_array_equal(again[rows], before[rows])
    assert "Reading the logits of" in caplog.text
    assert not calls
    # Other text is not there yet, nor is that of another checkpoint.
    with pytest.raises(AttributeError):
        ask(teacher, sources=([*TEXTS[1:], TEXTS[0]],))
    assert len(calls) == 1
    monkeypatch.undo()
    # A cache that was altered is made again.
    (path,) = (tmp_path / "cache").glob("teacher-*.h5")
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    ((again,),) = ask(teacher)
    np.testing.assert_allclose(again[rows], before[rows], rtol=1e-5)


def test_a_digest_is_of_the_texts_and_their_boundaries():
    def digest(*records):
        return module._digest(records)

    several = [("ab", "c"), ("a", "bc"), ("abc",), ("c", "ab"), (("ab", "c"), "d")]
    assert len({digest(*records)[0] for records in several}) == len(several)
    assert digest("ab", "\ud800") == digest("ab", "\ud800")
    assert digest("ab", "c")[1] == 2


def test_other_labels_are_named(ask, teacher):
    first, second, third = TOPICS
    with pytest.raises(OptionError) as caught:
        ask(teacher, task=MultiLabel(LabelSet([first, second, "抢劫", "放火"])))
    assert str(caught.value) == (
        f"--teacher={teacher}: the labels of this checkpoint are not those of the labelled files: "
        f"it lacks 抢劫, 放火; it also has {third}. Fine-tune it with the same files."
    )
    many = MultiLabel(LabelSet([*TOPICS, *"abcdefg"]))
    with pytest.raises(OptionError, match=r"it lacks a, b, c, d, e and 2 more\. Fine-tune"):
        ask(teacher, task=many)


def test_pairs_do_not_teach_single_texts(ask, teacher, fine_tuned_on_pairs):
    labels = LabelSet(list(TOPICS))
    with pytest.raises(OptionError, match=r"reads documents, and the labelled files hold pairs\."):
        ask(teacher, task=MultiLabel(labels, pairs=True))
    with pytest.raises(OptionError, match=r"reads pairs, and the labelled files hold documents\."):
        ask(fine_tuned_on_pairs)


def test_pairs(ask, fine_tuned_on_pairs):
    before = load_task(read_checkpoint(fine_tuned_on_pairs))
    task = type(before)(before.label_set, pairs=True)
    texts = [("甲乙", "乙甲"), ("甲", "丙丁")]
    ((logits,),) = ask(fine_tuned_on_pairs, task=task, sources=(texts,))
    expected = Predictor(fine_tuned_on_pairs).probabilities(texts)
    np.testing.assert_allclose(task.probabilities(logits[np.arange(2)]), expected, rtol=1e-5)


def test_what_is_no_teacher_is_told_before_text_is_read(run_of, tmp_path, teacher):
    def choose(folder, **changes):
        return chosen(FineTuningOptions(teacher=[str(folder)], **changes))

    with pytest.raises(CheckpointError, match="no such checkpoint folder"):
        choose(tmp_path / "none")
    with pytest.raises(CheckpointError, match="only pre-trained and has no task"):
        choose(run_of().pretrained)
    expected = "was fine-tuned for --task=multi_label, and this run has --task=multi_class"
    with pytest.raises(OptionError, match=expected):
        choose(teacher, task="multi_class")
    assert chosen(FineTuningOptions()) is None
    assert chosen(FineTuningOptions(task="regression", training_data_file=["a"])) is None


def test_a_smoke_run_teaches_smoke_runs_alone(teacher, monkeypatch):
    def in_test_mode(folder):
        checkpoint = read_checkpoint(folder)
        checkpoint.config["test_mode"] = True
        return checkpoint

    monkeypatch.setattr(module, "read_checkpoint", in_test_mode)
    with pytest.raises(OptionError, match=r"^--teacher=.*was made in --test_mode"):
        chosen(FineTuningOptions(teacher=[str(teacher)]))
    chosen(FineTuningOptions(teacher=[str(teacher)], test_mode=True))


def test_several_devices_read_what_one_has_computed(ask, teacher, monkeypatch):
    monkeypatch.setattr(distribution, "is_distributed", lambda: True)
    with pytest.raises(OptionError, match="teachers run on one device"):
        ask(teacher)
    monkeypatch.undo()
    ask(teacher)
    monkeypatch.setattr(distribution, "is_distributed", lambda: True)
    ask(teacher)


def test_a_cache_that_cannot_be_written(ask, teacher, tmp_path):
    (tmp_path / "cache").write_text("")
    with pytest.raises(InputError, match="cache folder cannot be created"):
        ask(teacher)
