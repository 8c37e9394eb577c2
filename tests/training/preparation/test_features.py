import numpy as np
import pytest

from models.task_model import FEATURE
from tests import toys
from tests.conftest import functions_run
from train_bert_lm import pretrain
from training import fine_tuning
from training.devices.forward import Forward
from training.devices.input_pipeline import prefetched
from training.options.scripts import FineTuningOptions, PretrainingOptions
from training.preparation import features
from training.preparation.tuning import TunedBackbone

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture(scope="module", autouse=True)
def with_toys():
    with toys.registered():
        yield


@pytest.fixture(scope="module")
def prepared(tiny, with_toys):
    """The data and the frozen model of a run, by its head."""
    folder = tiny.folder / "lm_for_features"
    pretrain(PretrainingOptions(**tiny.pretraining("toy", ckpt_dir=str(folder), num_epochs=1)))

    def make(head):
        values = {"tuning": "frozen", "head": head, "ckpt_dir": str(folder)}
        options = FineTuningOptions(**tiny.fine_tuning(tfidf_classifier=False, **values))
        checkpoint = fine_tuning.open_checkpoint(options)
        data = fine_tuning.prepare_data(options, checkpoint)
        model, _ = fine_tuning.build_model(options, data, checkpoint)
        TunedBackbone(model, options)
        return data, model

    return make


@pytest.mark.parametrize("head", ["max_pooled", "pooled"])
def test_stand_for_the_backbone(prepared, head, monkeypatch):
    data, model = prepared(head)
    found = features.with_features(data, model)
    assert found.batches["test"] is data.batches["test"]
    names = {"max_pooled": {"embedding_output", "sequence_output"}, "pooled": {"pooled_output"}}
    expected = list(Forward(model)(data.batches["valid"]))
    # The backbone is not called any more.
    monkeypatch.setattr(type(model.backbone), "call", None)
    for (inputs, targets, outputs), (_, their_targets, theirs) in zip(
        Forward(model)(found.batches["valid"]), expected, strict=True
    ):
        kept = {name for name in inputs if name.startswith(FEATURE)}
        assert kept == {f"{FEATURE}{name}" for name in names[head]}
        np.testing.assert_array_equal(targets, their_targets)
        np.testing.assert_allclose(outputs, theirs, atol=1e-5)
    # The same rows in every order.
    train = found.batches["train"]
    assert len(train) == 60 and train.steps(0) == 4
    assert all(
        any(name.startswith(FEATURE) for name in inputs) for inputs, _ in train.batches(3, 1)
    )


def test_too_large_or_unknown(prepared, monkeypatch, caplog):
    caplog.set_level("INFO")
    data, model = prepared("pooled")
    known = features.FeatureBatches(data.batches["train"], {})
    assert not any(name.startswith(FEATURE) for name in next(known.batches(0))[0])
    monkeypatch.setattr(features, "MAX_BYTES", 84 * 16 * 4 - 1)  # 60 and 24 vectors of 16 numbers
    assert features.with_features(data, model) is data
    assert "it is computed in each step" in caplog.text
    monkeypatch.setattr(features, "MAX_BYTES", 84 * 16 * 4)
    assert features.with_features(data, model) is not data
    assert "was computed once" in caplog.text


@pytest.mark.parametrize("head", ["max_pooled", "pooled"])
def test_the_head_learns_from_them_with_dropout(prepared, head):
    data, model = prepared(head)
    train = features.with_features(data, model).batches["train"]
    model.head.dropout.rate = 0.5
    model.compile(optimizer="sgd")
    before = np.array(model.head.scores.kernel)
    # Of a data set, unlike of an array, no size is known when the step is traced.
    with functions_run(eagerly=False):
        history = model.fit(prefetched(lambda: train.batches(0), train.steps(0)), verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert (np.array(model.head.scores.kernel) != before).any()
