"""Tiny models learn the further tasks of the bundled sample, far better than chance."""

import pytest

from train_bert_fine_tuning import fine_tune
from training.options.scripts import FineTuningOptions


# The epochs, and a score that no model without reading reaches: no answer to any question gives an
# F1 of 0.3, any choice an accuracy of 0.26, and a constant value a correlation of 0.
@pytest.mark.parametrize(
    ("task", "epochs", "score", "least"),
    [
        ("question_answering", 3, "f1", 0.6),
        ("multiple_choice", 4, "accuracy", 0.5),
        ("regression", 2, "pearson", 0.6),
    ],
)
def test_it_is_learned_from_the_bundled_sample(
    task, epochs, score, least, tmp_path, monkeypatch, request
):
    monkeypatch.chdir(request.config.rootpath)
    options = FineTuningOptions(
        task=task,
        ckpt_dir="",
        ckpt_dir_save=str(tmp_path / "save"),
        data_path=str(tmp_path / "data"),
        preset="tiny",
        tokenize_style="char",
        num_epochs=epochs,
        batch_size=16,
        sequence_length=192,
        learning_rate=1e-3,
        process_num=1,
    )
    found = fine_tune(options)["test"][score]
    assert found > least
