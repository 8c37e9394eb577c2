"""The quick forms of the speed benchmarks run, and what they reckon is right."""

import importlib.util
import json
import sys

import numpy as np
import pytest

from benchmarks import (
    memory,
    positions,
    prediction_speed,
    preprocessing,
    scaling,
    time_to_loss,
    training_speed,
)
from benchmarks.scaling import Costs, foretold, line
from benchmarks.step_profile import operations
from models.backbone import make_backbone
from models.build import build
from models.classification import ClassificationModel
from models.config import backbone_config


def missing(*modules):
    return [name for name in modules if importlib.util.find_spec(name) is None]


@pytest.fixture
def run(tiny, tmp_path, monkeypatch):
    """Runs a benchmark's quick form on tiny files; gives its tables."""
    cail, legal = tmp_path / "data/cail2018", tmp_path / "data/legal_corpus"
    cail.mkdir(parents=True)
    legal.mkdir()
    for split in ("train", "valid", "test"):
        with (cail / f"{split}.json").open("w", encoding="utf-8") as file:
            for text in tiny.file(split).read_text(encoding="utf-8").splitlines():
                fact, *labels = text.split(" __label__")
                meta = {"accusation": labels, "relevant_articles": []}
                file.write(json.dumps({"fact": fact, "meta": meta}, ensure_ascii=False) + "\n")
    (legal / "train.txt").write_bytes(tiny.file("free").read_bytes())

    def act(benchmark, *options):
        name = benchmark.__name__.rpartition(".")[2]
        places = [f"--data={tmp_path / 'data'}", f"--out={tmp_path / 'out'}"]
        monkeypatch.setattr(sys, "argv", [name, "--test_mode", *places, *options])
        benchmark.main()
        return json.loads((tmp_path / "out" / f"{name}.json").read_text())["tables"]

    return act


def test_preprocessing(run):
    tables = run(preprocessing)
    assert len(tables) == 2
    for title, rows in tables.items():
        assert "20 documents" in title
        assert [row["side"] for row in rows] == ["ours", "the original's path"]
        assert all(row["per_cpu_second"] > 0 for row in rows)


def test_memory(run, run_of, capsys):
    tables = run(memory, "--processes=1", f"--ckpt_dir={run_of().fine_tuned}")
    rows = tables["Pre-processing"]
    assert [row["times"] for row in rows] == [1, 3]
    assert rows[1]["text_mb"] == pytest.approx(3 * rows[0]["text_mb"])
    assert all(row["peak_mb"] > 20 for row in rows)
    assert [row["lines"] for row in tables["Prediction"]] == [200]
    assert "| times | text mb | seconds |" in capsys.readouterr().out


def test_time_to_loss(run, tmp_path):
    tables = run(time_to_loss, f"--folder={tmp_path / 'runs'}")
    rows = tables["Epochs"]
    assert [(row["side"], row["epoch"]) for row in rows] == [
        (side, epoch) for side in ("first version", "defaults") for epoch in (1, 2)
    ]
    # In a step the vocabulary of so few documents is sampled whole: the runs are one.
    assert rows[0]["valid_loss"] == pytest.approx(rows[2]["valid_loss"], rel=1e-3)


def test_positions(run, tmp_path):
    tables = run(positions, f"--folder={tmp_path / 'runs'}", "--num_epochs=1")
    rows = tables["After each epoch"]
    assert [(row["positions"], row["epoch"]) for row in rows] == [("rotary", 1), ("learned", 1)]
    # Not the same run twice.
    assert rows[0]["masked_lm_loss"] != rows[1]["masked_lm_loss"]


def test_seconds_to_a_loss():
    curve = np.array([[10.0, 5.0], [20.0, 4.0], [30.0, 3.0]])
    found = [time_to_loss.seconds_to(loss, curve) for loss in (5.5, 5.0, 4.5, 4.0, 3.25)]
    assert found == pytest.approx([10, 10, 15, 20, 27.5])


peers = pytest.mark.skipif(
    missing("torch", "transformers", "keras_hub") != [], reason="a peer is not installed"
)


@peers
@pytest.mark.usefixtures("eagerly")
def test_prediction_speed(run):
    tables = run(prediction_speed)
    sides = [[row["side"] for row in rows] for rows in tables.values()]
    assert sides == [
        ["ours, text_cnn", "TF-IDF + linear SVM"],
        ["ours, transformer", "transformers", "TF-IDF + linear SVM"],
    ]


@peers
@pytest.mark.usefixtures("eagerly")
def test_training_speed(run):
    tables = run(training_speed)
    *speeds, profile, roofline = tables.values()
    for rows in speeds:
        assert rows[0]["side"] == "ours"
        assert len(rows) > 1
        assert all(0 <= row["waste"] < 1 for row in rows)
    assert {row["step"] for row in profile} == {row["step"] for row in roofline}
    for row in profile:
        pieces = [row[f"{name}_ms"] for name in ("embedding", "encoder", "head and loss")]
        assert sum(pieces) + row["optimizer_ms"] == pytest.approx(row["step_ms"])
        assert row["input_ms"] > 0


@pytest.mark.usefixtures("eagerly")
def test_scaling(run):
    tables = run(scaling, "--bandwidth=1e9", "--latency=1e-5", "--rows=1000")
    measured, (costs,), table = tables.values()
    assert [row["rows"] for row in measured] == [2, 4]
    assert costs["gradient_bytes"] > 4 * 10_000
    assert [row["devices"] for row in table] == [1, 2, 16, 100]
    assert table[0]["share_of_ideal"] == 1


def test_the_cost_model_by_hand():
    costs = Costs(0.01, 1e-6, 1e-6, 4e8, 1e9, 1e-4)
    assert costs.all_reduce(1) == 0
    # A ring of two moves all bytes once; each of its two messages takes the latency once.
    assert costs.all_reduce(2) == pytest.approx(0.4 + 2e-4)
    assert costs.compute(1000, 200, 2) == pytest.approx(0.01 + 0.1)
    one, two, *_ = foretold(costs, 1000, 200)
    assert one["step_ms"] == pytest.approx(210)
    assert two["share_of_ideal"] == pytest.approx(0.21 / (0.11 + 0.4002) / 2)
    slow_input = Costs(0.01, 1e-6, 1e-2, 4e8, 1e9, 1e-4)
    assert slow_input.total(1000, 200, 16) == 10


def test_the_line_of_least_squares():
    assert line([1, 2, 3], [5, 7, 9]) == pytest.approx((3, 2))
    # A step without rows cannot take less than nothing.
    assert line([1, 2, 3], [0, 2, 4])[0] == 0


@pytest.mark.parametrize(
    ("backbone", "sizes", "head", "rows", "length"),
    [
        ("text_cnn", {"num_filters": 8}, "pooled", 2, 16),
        ("text_cnn", {"num_filters": 8}, "detectors", 3, 8),
        ("transformer", {"d_ff": 24, "d_k": 10}, "pooled", 2, 16),
        ("transformer", {"d_ff": 24, "d_k": 10}, "detectors", 3, 8),
    ],
)
def test_operations_are_those_that_tensorflow_counts(backbone, sizes, head, rows, length):
    import tensorflow as tf

    config = backbone_config(backbone, "tiny", 50, dropout=0.0, **sizes)
    model = build(ClassificationModel(make_backbone(config), 7, head=head, dropout=0.0))
    inputs = {
        "token_ids": np.ones((rows, length), np.int32),
        "segment_ids": np.zeros((rows, length), np.int32),
        "padding_mask": np.ones((rows, length), bool),
    }

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(model(inputs, training=True))
        weights = [variable.value for variable in model.trainable_variables]
        return tape.gradient(loss, weights)

    graph = step.get_concrete_function().graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    found = tf.compat.v1.profiler.profile(
        graph, options={**options, "output": "none", "account_type_regexes": [".*"]}
    )
    products = sum(
        node.total_float_ops
        for node in _leaves(found)
        if any(kind in node.name for kind in ("MatMul", "Conv", "conv"))
    )
    assert operations(config, inputs, head, 7) == pytest.approx(products, rel=0.1)


def _leaves(node):
    if not node.children:
        return [node]
    return [leaf for child in node.children for leaf in _leaves(child)]
