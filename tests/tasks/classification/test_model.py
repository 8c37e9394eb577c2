import keras
import numpy as np
import pytest
import scipy.stats
from sklearn.metrics import log_loss

from common.errors import ConfigError
from models.backbones.base import make_backbone
from models.build import build
from models.presets import backbone_config
from models.registry import BACKBONES, HEADS
from tasks.registry import TASKS
from tests.classifiers import classification_model, label_set
from training.loop.optimizer import AdamW

backbones = pytest.mark.parametrize("backbone", BACKBONES)
LABELS = 4


def loss_of(task, targets, logits):
    return TASKS[task](label_set(LABELS)).loss({}, targets, logits)[0]


def probabilities_of(task, logits):
    return TASKS[task](label_set(LABELS)).probabilities(logits)


def targets_of(rows, task, seed=0):
    rng = np.random.default_rng(seed)
    if task == "multi_class":
        return np.eye(LABELS, dtype="float32")[rng.integers(0, LABELS, rows)]
    return (rng.random((rows, LABELS)) < 0.4).astype("float32")


def test_multi_label_loss_equals_scikit_learn():
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=3, size=(6, LABELS)).astype("float32")
    targets = targets_of(6, "multi_label")
    probabilities = 1 / (1 + np.exp(-logits.astype("float64")))
    expected = [
        log_loss(row, p, labels=[0, 1], normalize=False)
        for row, p in zip(targets, probabilities, strict=True)
    ]
    np.testing.assert_allclose(loss_of("multi_label", targets, logits), expected, rtol=1e-5)
    np.testing.assert_allclose(probabilities_of("multi_label", logits), probabilities, atol=1e-6)


def test_multi_class_loss_equals_scikit_learn():
    logits = np.random.default_rng(0).normal(scale=3, size=(6, LABELS)).astype("float32")
    targets = targets_of(6, "multi_class")
    probabilities = np.exp(logits.astype("float64"))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    expected = log_loss(targets.argmax(axis=1), probabilities, labels=range(LABELS))
    losses = np.asarray(loss_of("multi_class", targets, logits))
    assert losses.shape == (6,)
    assert losses.mean() == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(probabilities_of("multi_class", logits), probabilities, atol=1e-6)


def test_large_logits_lose_no_precision():
    logits = np.array([[100.0, -100.0], [-100.0, 100.0]], "float32")
    targets = np.array([[1.0, 0.0], [1.0, 0.0]], "float32")
    np.testing.assert_allclose(loss_of("multi_label", targets, logits), [0.0, 200.0])


@pytest.mark.parametrize("task", ["multi_label", "multi_class"])
def test_class_priors_are_the_first_probabilities(config_of, batch_of, task):
    model = build(classification_model(make_backbone(config_of("text_cnn")), LABELS, task))
    priors = np.array([0.5, 0.3, 0.15, 0.05])
    model.set_class_priors(priors)
    model.head.scores.kernel.assign(np.zeros(model.head.scores.kernel.shape))
    logits = model(batch_of([5, 7]))
    np.testing.assert_allclose(
        model.task.probabilities(np.asarray(logits)), [priors, priors], rtol=1e-5
    )


def test_class_priors_of_labels_never_and_always_seen(config_of):
    model = build(classification_model(make_backbone(config_of("text_cnn")), LABELS))
    model.set_class_priors([0, 1, 0.5, 0.5])
    bias = keras.ops.convert_to_numpy(model.head.scores.bias)
    np.testing.assert_allclose(bias, [-13.8155, 13.8155, 0, 0], atol=1e-3)


@pytest.mark.parametrize("priors", [[0.5] * 3, [0.5, 0.5, 0.5, 1.5], [0.5, 0.5, 0.5, float("nan")]])
def test_class_priors_that_cannot_be(config_of, priors):
    model = build(classification_model(make_backbone(config_of("text_cnn")), LABELS))
    with pytest.raises(ConfigError, match="4 fractions between 0 and 1"):
        model.set_class_priors(priors)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"num_labels": 0}, "num_labels must be"),
        ({"num_labels": "4"}, "num_labels must be"),
        ({"dropout": 1.0}, "dropout must be"),
    ],
)
def test_what_cannot_be_is_named(config_of, kwargs, message):
    with pytest.raises(ConfigError, match=message):
        HEADS["pooled"](config_of("text_cnn"), **{"num_labels": 4, "dropout": 0.1, **kwargs})


@pytest.mark.parametrize("task", ["multi_label", "multi_class"])
def test_loss_is_exact_over_unequal_batches(config_of, batch_of, task):
    model = build(classification_model(make_backbone(config_of("text_cnn")), LABELS, task))
    model.compile(optimizer=keras.optimizers.SGD(0.0), run_eagerly=True)
    batches = [(batch_of([6] * n, seed=n), targets_of(n, task, seed=n)) for n in (5, 1, 3)]
    result = model.evaluate((batch for batch in batches), verbose=0, return_dict=True)
    losses = [np.asarray(loss_of(task, y, model(x))) for x, y in batches]
    assert result == pytest.approx({"loss": np.concatenate(losses).mean()}, rel=1e-5)


def test_dropout_is_before_the_head(config_of, batch_of):
    model = build(classification_model(make_backbone(config_of("text_cnn")), LABELS, dropout=0.9))
    batch = batch_of([5, 7, 6])
    np.testing.assert_array_equal(model(batch), model(batch, training=False))
    model.head.scores.kernel.assign(np.zeros(model.head.scores.kernel.shape))
    model.head.scores.bias.assign(np.arange(LABELS) + 1.0)
    # Dropout on the logits would zero some of them.
    np.testing.assert_array_equal(
        model(batch, training=True), np.tile(np.arange(LABELS) + 1.0, (3, 1))
    )


@backbones
@pytest.mark.parametrize("pooling", ["cls", "max", "mean", "attention"])
def test_a_step_moves_every_variable(config_of, batch_of, backbone, pooling):
    model = build(classification_model(make_backbone(config_of(backbone, pooling=pooling)), LABELS))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(scale=0.4, size=weight.shape) for weight in model.weights])
    model.compile(optimizer=keras.optimizers.SGD(0.1), run_eagerly=True)
    before = model.get_weights()
    model.train_on_batch(batch_of([12, 9, 12]), targets_of(3, "multi_label"))
    still = [
        weight.path
        for weight, old in zip(model.weights, before, strict=True)
        if (keras.ops.convert_to_numpy(weight) == old).all()
    ]
    # A key bias adds the same to all scores of a query: the softmax does not see it. The
    # calibration is fitted to the validation examples.
    fixed = ("/key/bias", "/calibration/scale", "/calibration/bias")
    if (backbone, pooling) == ("lstm", "cls"):
        # The pooled position is the first: what reads from the left has no earlier state there.
        fixed += tuple(path for path in still if "/forward/" in path and "recurrent" in path)
    assert [path for path in still if not path.endswith(fixed)] == []


@pytest.mark.parametrize(
    ("backbone", "task", "sizes"),
    [
        ("transformer", "multi_label", {"num_layers": 1}),
        ("text_cnn", "multi_class", {"filter_sizes": (2, 3)}),
    ],
)
def test_learns_one_batch_by_heart(config_of, batch_of, backbone, task, sizes):
    config = config_of(backbone, **sizes)
    model = build(classification_model(make_backbone(config), LABELS, task, 0.0))
    model.compile(optimizer=AdamW(2e-2, decay=0.0, clip_norm=None))
    batch, targets = batch_of([10, 8, 9, 10]), targets_of(4, task)
    for _ in range(150):
        model.train_on_batch(batch, targets)
    model.reset_metrics()
    assert model.test_on_batch(batch, targets, return_dict=True)["loss"] < 0.05
    probabilities = model.task.probabilities(np.asarray(model(batch)))
    np.testing.assert_array_equal(probabilities > 0.5, targets == 1)


@backbones
def test_half_precision_keeps_float32_logits(config_of, batch_of, backbone):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build(
            classification_model(make_backbone(config_of(backbone, pooling="attention")), LABELS)
        )
        model.compile(optimizer=keras.optimizers.SGD(0.1), run_eagerly=True)
    finally:
        keras.config.set_dtype_policy(before)
    logits = model(batch_of([5, 7]))
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    model.train_on_batch(batch_of([5, 7]), targets_of(2, "multi_label"))
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


@pytest.mark.parametrize("head", HEADS)
def test_every_head_leaves_padding_out(config_of, batch_of, head):
    model = build(classification_model(make_backbone(config_of("text_cnn")), LABELS, head=head))
    for variable in model.head.trainable_variables:
        variable.assign(np.random.default_rng(1).normal(size=variable.shape))
    alone, together = model(batch_of([4])), model(batch_of([4], width=9))
    np.testing.assert_allclose(alone, together, atol=1e-4)


def test_max_pooled_is_the_largest_value_of_a_dense_layer(config_of, batch_of):
    model = build(
        classification_model(make_backbone(config_of("text_cnn")), LABELS, head="max_pooled")
    )
    batch = batch_of([6])
    outputs = model.backbone(batch)
    tokens = np.concatenate([outputs["embedding_output"], outputs["sequence_output"]], axis=-1)[0]
    # Some fire nowhere: of their values the lowest has the highest activation.
    bias = np.linspace(-4, 1, model.head.detectors.units)
    model.head.detectors.bias.assign(bias)
    x = tokens @ keras.ops.convert_to_numpy(model.head.detectors.kernel) + bias
    gelu = x * scipy.stats.norm.cdf(x)
    assert 0 < (x.argmin(axis=0) == gelu.argmax(axis=0)).mean() < 1
    scores = gelu.max(axis=0) @ keras.ops.convert_to_numpy(model.head.scores.kernel)
    np.testing.assert_allclose(model(batch)[0], scores, atol=1e-4)


def test_an_unknown_head_is_an_error(config_of):
    with pytest.raises(
        ConfigError,
        match=f"head must be one of {', '.join(HEADS)}, not 'x'",
    ):
        classification_model(make_backbone(config_of("text_cnn")), LABELS, head="x")


@pytest.mark.parametrize("num_ngrams", [0, 7])
def test_calibrated_logits_except_in_training(config_of, batch_of, num_ngrams):
    backbone = make_backbone(config_of("text_cnn"))
    model = build(classification_model(backbone, LABELS, num_ngrams=num_ngrams))
    batch = batch_of([5, 7])
    if num_ngrams:
        batch |= {"ngram_ids": np.array([[1], [3]]), "ngram_values": np.ones((2, 1), "float32")}
    before = np.asarray(model(batch))
    model.calibrate(0.25, -2.0)
    np.testing.assert_allclose(np.asarray(model(batch)), 0.25 * before - 2, atol=1e-6)
    assert (model.calibration is None) == bool(num_ngrams)
    model.leave_to_network()
    np.testing.assert_array_equal(np.asarray(model(batch)), before)
    trained = {variable.path for variable in model.trainable_variables}
    assert not any("calibration" in path for path in trained)


def test_a_model_of_an_earlier_version_is_not_calibrated(config_of):
    task = TASKS["multi_label"](label_set(LABELS))
    task.calibrated = False
    model = build(task.build_model(make_backbone(config_of("text_cnn")), 0.0))
    with pytest.raises(ConfigError):
        model.calibrate(0.5, 0.0)


@pytest.mark.parametrize("head", ["max_pooled", "pooled"])
def test_windows_give_the_highest_of_each_score(config_of, batch_of, head):
    keras.utils.set_random_seed(3)
    model = build(classification_model(make_backbone(config_of("text_cnn")), 4, head=head))
    batch = batch_of([14, 5, 2], slots=1)
    batch["segment_ids"] *= 0
    model.window_length = 6
    found = np.asarray(model(batch))
    model.window_length = None
    for row, length in enumerate([14, 5, 2]):
        ids = batch["token_ids"][row, :length]
        first, tokens, last = ids[:1], ids[1:-1], ids[-1:]
        scores = []
        for start in range(0, max(len(tokens), 1), 4):
            part = np.concatenate([first, tokens[start : start + 4], last])[None]
            alone = {"token_ids": part, "segment_ids": 0 * part}
            scores.append(np.asarray(model({**alone, "padding_mask": part >= 0}))[0])
        assert len(scores) == {14: 3, 5: 1, 2: 1}[length]
        np.testing.assert_allclose(found[row], np.max(scores, axis=0), atol=1e-5)


def test_a_network_without_weight_is_left_out(monkeypatch):
    backbone = make_backbone(backbone_config("text_cnn", "tiny", 20, d_model=8))
    model = build(classification_model(backbone, LABELS, num_ngrams=5))
    layer = model.ngram_classifier
    rng = np.random.default_rng(0)
    layer.fill(rng.normal(size=(5, LABELS)), rng.normal(size=LABELS))
    tokens = {name: np.ones((2, 6), "int32") for name in ("token_ids", "segment_ids")}
    ngrams = {
        "ngram_ids": np.array([[1, 3], [2, 0]], "int32"),
        "ngram_values": np.ones((2, 2), "f"),
    }
    inputs = {**tokens, "padding_mask": np.ones((2, 6), "bool"), **ngrams}
    layer.mix(0.5, 2.0, 0.1)
    model.leave_out_unused()
    assert model.arrays.keys() == inputs.keys()
    layer.mix(0.0, 2.0, 0.1)
    expected = np.asarray(model(inputs))
    assert model.arrays.keys() == inputs.keys()
    model.leave_out_unused()
    assert model.arrays.keys() == ngrams.keys()
    monkeypatch.setattr(backbone, "call", pytest.fail)
    np.testing.assert_array_equal(model(ngrams), expected)
    monkeypatch.undo()
    # Training and validation need it again.
    model.leave_to_network()
    assert model.arrays.keys() == inputs.keys()
    assert np.abs(np.asarray(model(inputs)) - expected).max() > 0.01
