"""Half precision is for matrix products: losses and softmax stay in float32."""

import keras
import pytest
import tensorflow as tf

from models.backbones.base import make_backbone
from models.build import build
from models.pretraining_model import PretrainingModel
from tests.classifiers import classification_model

# TensorFlow's own operations for exponentials, their sums, and cross-entropies.
SENSITIVE = {
    "Exp",
    "Log",
    "Log1p",
    "LogSoftmax",
    "Softmax",
    "SoftmaxCrossEntropyWithLogits",
    "SparseSoftmaxCrossEntropyWithLogits",
}


@pytest.fixture(params=["mixed_bfloat16", "mixed_float16"])
def half(request):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield {"mixed_bfloat16": tf.bfloat16, "mixed_float16": tf.float16}[request.param]
    keras.config.set_dtype_policy(before)


def operations_of(model, batch, targets, training):
    """Every operation of a step's forward pass, as TensorFlow runs it."""

    @tf.function
    def loss(batch, targets):
        outputs = model(batch, training=training)
        return model.compute_loss(x=batch, y=targets, y_pred=outputs, training=training)

    graph = loss.get_concrete_function(batch, targets)
    assert graph.output_dtypes == tf.float32
    return [
        *graph.graph.get_operations(),
        *(
            operation
            for function in graph.graph._functions.values()
            for operation in getattr(function, "graph", tf.Graph()).get_operations()
        ),
    ]


@pytest.mark.parametrize("backbone", ["text_cnn", "transformer"])
@pytest.mark.parametrize("stage", ["pretraining", "fine_tuning"])
@pytest.mark.parametrize("training", [True, False])
def test_losses_and_softmax_are_float32(half, config_of, backbone, stage, training):
    # With these, training computes attention and the masked words in ways of its own.
    dropout = {"attention_dropout": 0.1} if backbone == "transformer" else {}
    backbone_layer = make_backbone(config_of(backbone, pooling="attention", **dropout))
    batch = {
        "token_ids": tf.ones((2, 8), tf.int32),
        "segment_ids": tf.zeros((2, 8), tf.int32),
        "padding_mask": tf.ones((2, 8), tf.bool),
    }
    targets = None
    if stage == "pretraining":
        model = build(PretrainingModel(backbone_layer, settings={"num_sampled": 8}))
        batch |= {
            "masked_positions": tf.ones((2, 4), tf.int32),
            "masked_ids": tf.ones((2, 4), tf.int32),
            "masked_weights": tf.ones((2, 4)),
            "pair_kind": tf.ones((2,), tf.int32),
            "pair_weights": tf.ones((2,)),
        }
    else:
        model = build(classification_model(backbone_layer, 3, head="max_pooled"))
        targets = tf.ones((2, 3))
    model.compile(optimizer="sgd")
    operations = operations_of(model, batch, targets, training)
    sensitive = [operation for operation in operations if operation.type in SENSITIVE]
    assert sensitive
    for operation in sensitive:
        assert operation.inputs[0].dtype == tf.float32, operation.name
    # And yet it is half precision that the rest runs in.
    products = [operation for operation in operations if "MatMul" in operation.type]
    assert half in {operation.inputs[0].dtype for operation in products}
