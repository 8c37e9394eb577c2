"""A released BERT is imported and fine-tuned, and a TextCNN learns from it."""

import numpy as np
import pytest

from train_bert_fine_tuning import fine_tune
from training import fine_tuning
from training.options.scripts import FineTuningOptions
from training.prediction import Predictor

pytestmark = pytest.mark.usefixtures("eagerly")


def test_from_word_pieces_to_words(imported, run_of, tiny, tmp_path):
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
