"""The counted operations of a step, against those that TensorFlow counts."""

import numpy as np
import pytest

from benchmarks.lib.step_profile import operations
from data_util.reading.labels import LabelSet
from models.backbones.base import make_backbone
from models.build import build
from models.presets import backbone_config
from tasks.classification.task import MultiLabel


@pytest.mark.parametrize(
    ("backbone", "sizes", "head", "rows", "length"),
    [
        ("text_cnn", {"num_filters": 8}, "pooled", 2, 16),
        ("text_cnn", {"num_filters": 8}, "max_pooled", 3, 8),
        ("transformer", {"d_ff": 24, "d_k": 10}, "pooled", 2, 16),
        ("transformer", {"d_ff": 24, "d_k": 10}, "max_pooled", 3, 8),
    ],
)
def test_operations_are_those_that_tensorflow_counts(backbone, sizes, head, rows, length):
    import tensorflow as tf

    config = backbone_config(backbone, "tiny", 50, dropout=0.0, **sizes)
    task = MultiLabel(LabelSet([str(number) for number in range(7)]), head=head)
    model = build(task.build_model(make_backbone(config), dropout=0.0))
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
