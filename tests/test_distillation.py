"""Runs that learn from teachers, from the options to the checkpoint."""

import numpy as np
import pytest

from common.errors import OptionError
from conversion.released.importing import import_release
from models.checkpoints.folder import WEIGHTS
from tests import toys
from tests.bert_release import save_release_for
from tests.conftest import TOPICS
from tests.stored_arrays import arrays_of
from train_bert_fine_tuning import fine_tune
from training import fine_tuning
from training.loop.callbacks import StepCallback
from training.options.conversion import ImportOptions
from training.options.scripts import FineTuningOptions
from training.prediction import Predictor
from training.preparation import teachers

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture(scope="module", autouse=True)
def with_toys():
    with toys.registered():
        yield


@pytest.fixture
def options_of(tiny):
    """The options of a student that reads characters and starts from random weights."""

    def make(folder, **changes):
        values = {"ckpt_dir": "", "ckpt_dir_save": str(folder), "tokenize_style": "char"}
        values |= {"backbone": "toy", "preset": "tiny", "d_model": 16, "max_position": 64}
        values |= {"min_count": 1, "tfidf_classifier": False}
        return FineTuningOptions(**tiny.fine_tuning(**(values | changes)))

    return make


@pytest.fixture
def learning(options_of, run_of, tiny):
    """Those of one that learns from a TextCNN that reads words, and from text without labels."""

    def make(folder, **changes):
        teacher, raw = str(run_of().fine_tuned), str(tiny.file("free"))
        return options_of(folder, **{"teacher": [teacher], "unlabelled_file": [raw], **changes})

    return make


def test_soft_labels_are_those_of_the_texts_of_the_rows(learning, run_of, tiny, tmp_path):
    data = fine_tuning.prepare_data(learning(tmp_path, temperature=3.0), None)
    texts = [line.split(" __label__")[0] for line in tiny.file("train").read_text().splitlines()]
    texts += tiny.file("free").read_text().splitlines()
    batches = data.batches["train"]
    assert (len(batches), data.weighted, data.task.temperature) == (100, 40, 3)
    predictor = Predictor(run_of().fine_tuned)
    logits = np.concatenate(predictor.outputs(predictor.encode(texts)))
    columns = [predictor.task.labels.index(label) for label in data.task.labels]
    expected = predictor.task.probabilities(logits / 3)[:, columns]
    seen = []
    for inputs, targets in batches.batches(0):
        numbers = inputs["example"]
        np.testing.assert_allclose(inputs["soft_targets"], expected[numbers], atol=1e-5)
        np.testing.assert_allclose(inputs["hard_weights"], np.where(numbers < 60, 0.1, 0))
        assert (targets.any(axis=1) == (numbers < 60)).all()
        seen += numbers.tolist()
    assert sorted(seen) == list(range(100))
    (inputs, _), *_ = data.batches["valid"].batches(0)
    assert "soft_targets" not in inputs


def test_resumes_bit_for_bit_and_asks_the_teachers_once(learning, tmp_path, monkeypatch):
    changes = {"save_every_steps": 3, "patience": 9, "data_path": str(tmp_path / "data")}
    fine_tune(learning(tmp_path / "whole", **changes))
    monkeypatch.setattr(teachers, "_load", None)
    original = StepCallback.on_train_batch_end

    def killed(self, batch, logs=None):
        if self._state.step + 1 == 9:  # Within the second epoch.
            raise KeyboardInterrupt
        original(self, batch, logs)

    with monkeypatch.context() as patch:
        patch.setattr(StepCallback, "on_train_batch_end", killed)
        with pytest.raises(KeyboardInterrupt):
            fine_tune(learning(tmp_path / "killed", **changes))
    with pytest.raises(OptionError, match=r"--temperature=2\.0 there, 4\.0 here"):
        fine_tune(learning(tmp_path / "killed", temperature=4.0, **changes))
    with pytest.raises(OptionError, match="it learned from other teachers"):
        fine_tune(learning(tmp_path / "killed", teacher=[str(tmp_path / "whole")], **changes))
    fine_tune(learning(tmp_path / "killed", **changes))
    for name in (WEIGHTS, f"last/{WEIGHTS}", "last/optimizer.h5"):
        ours, theirs = (arrays_of(tmp_path / run / name) for run in ("killed", "whole"))
        assert ours.keys() == theirs.keys()
        for key in ours:
            np.testing.assert_array_equal(ours[key], theirs[key], err_msg=f"{name}: {key}")


def test_a_student_learns_what_its_teacher_says_and_not_what_is_true(
    options_of, run_of, tiny, tmp_path
):
    """Each label of the teacher's training documents is that of another topic."""
    names = list(TOPICS)
    exchanged = dict(zip(names, names[1:] + names[:1], strict=True))
    wrong = tmp_path / "wrong.txt"
    with wrong.open("w", encoding="utf-8") as file:
        for line in tiny.file("train").read_text(encoding="utf-8").splitlines():
            text, *labels = line.split(" __label__")
            file.write(" __label__".join([text, *(exchanged[label] for label in labels)]) + "\n")
    changes = {"training_data_file": [str(wrong)], "valid_data_file": [str(wrong)]}
    fine_tune(options_of(tmp_path / "teacher", num_epochs=12, test_data_file=[], **changes))
    student = options_of(
        tmp_path / "student",
        teacher=[str(tmp_path / "teacher")],
        distillation_weight=1.0,
        num_epochs=12,
        patience=12,
        validate_every=12,
        test_data_file=[],
    )
    fine_tune(student)
    texts = [line.split(" __label__")[0] for line in tiny.file("test").read_text().splitlines()]
    ours, theirs = (Predictor(tmp_path / name) for name in ("student", "teacher"))
    logits = [np.concatenate(each.outputs(each.encode(texts))) for each in (ours, theirs)]
    order = [theirs.task.labels.index(label) for label in ours.task.labels]
    theirs_by_label = logits[1][:, order]
    for label in range(3):
        assert np.corrcoef(logits[0][:, label], theirs_by_label[:, label])[0, 1] > 0.8


def test_an_imported_bert_teaches_a_text_cnn(run_of, tiny, tmp_path):
    text = "".join(tiny.file(name).read_text(encoding="utf-8") for name in ("free", "train"))
    save_release_for(text, tmp_path / "release")
    imported = tmp_path / "imported"
    import_release(ImportOptions(str(tmp_path / "release"), str(imported)))
    common = {"tfidf_classifier": False, "num_epochs": 1, "learning_rate": 1e-3}
    teacher = tmp_path / "teacher"
    start = {"ckpt_dir": str(imported), "ckpt_dir_save": str(teacher)}
    fine_tune(FineTuningOptions(**tiny.fine_tuning(**common, **start)))
    values = {"ckpt_dir": str(run_of().pretrained), "ckpt_dir_save": str(tmp_path / "student")}
    # Two teachers of other kinds: the soft labels are the mean of both.
    folders = [teacher, run_of().fine_tuned]
    values |= {"teacher": [str(folder) for folder in folders], "temperature": 1.0}
    options = FineTuningOptions(**tiny.fine_tuning(**common, **values))
    assert fine_tune(options)["best_epoch"] == 1
    data = fine_tuning.prepare_data(options, fine_tuning.open_checkpoint(options))
    texts = [line.split(" __label__")[0] for line in tiny.file("train").read_text().splitlines()]
    said = []
    for predictor in map(Predictor, folders):
        columns = [predictor.task.labels.index(label) for label in data.task.labels]
        said.append(predictor.probabilities(texts)[:, columns])
    assert data.text.tokenizer.style == "word"
    for inputs, _ in data.batches["train"].batches(0):
        expected = np.mean(said, axis=0)[inputs["example"]]
        np.testing.assert_allclose(inputs["soft_targets"], expected, atol=1e-5)
