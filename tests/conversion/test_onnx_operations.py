"""The operations that exports are written with, against ONNX Runtime on the graphs before."""

from collections import Counter

import numpy as np
import pytest

from conversion.onnx import convert_to_onnx
from conversion.onnx_operations import drop_unused_weights, mark_gelu, move_biases

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def model_of(nodes, weights, shape):
    """A model from "x" of a shape to "y"."""
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [
            helper.make_tensor_value_info(
                "y", TensorProto.FLOAT, [f"y{axis}" for axis in range(len(shape))]
            )
        ],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9)


def run(model, x):
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": x})[0]


def kinds(graph):
    return Counter(node.op_type for node in graph.node)


def optimized(model, path):
    """What ONNX Runtime makes of a model."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath, options.log_severity_level = str(path), 3
    onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return kinds(onnx.load(path).graph)


def test_a_gelu_is_one_operation_of_the_runtime(tmp_path):
    from onnx import helper

    random = np.random.default_rng(0)
    node = helper.make_node
    nodes = [
        node("Mul", ["x", "scale"], ["scaled"]),
        node("Erf", ["scaled"], ["erf"]),
        node("Add", ["one", "erf"], ["more"]),
        node("Mul", ["half", "x"], ["part"]),
        node("Mul", ["part", "more"], ["gelu"]),
        # An error function of something else.
        node("Mul", ["gelu", "half"], ["other"]),
        node("Erf", ["other"], ["y"]),
    ]
    weights = {"scale": np.sqrt(0.5), "one": 1.0, "half": 0.5}
    model = model_of(nodes, {n: np.float32(each) for n, each in weights.items()}, ("rows", 7))
    x = random.normal(size=(5, 7)).astype(np.float32)
    expected = run(model, x)
    assert "Gelu" not in optimized(model, tmp_path / "before.onnx")
    mark_gelu(model.graph)
    drop_unused_weights(model.graph)
    onnx.checker.check_model(model, full_check=True)
    assert "scale" not in {each.name for each in model.graph.initializer}
    assert optimized(model, tmp_path / "after.onnx") == Counter(Gelu=1, Mul=1, Erf=1)
    np.testing.assert_allclose(run(model, x), expected, atol=1e-6)


def convolution(bias):
    """As tf2onnx writes one of one dimension, and adds `bias`."""
    from onnx import helper

    random = np.random.default_rng(1)
    node = helper.make_node
    nodes = [
        node("Unsqueeze", ["x", "first"], ["images"]),
        node("Transpose", ["images"], ["channels"], perm=[0, 3, 1, 2]),
        node("Conv", ["channels", "kernel"], ["found"], auto_pad="SAME_UPPER"),
        node("Squeeze", ["found", "second"], ["rows"]),
        node("Add", ["rows", "bias"], ["sum"]),
        node("Transpose", ["sum"], ["y"], perm=[0, 2, 1]),
    ]
    weights = {
        "first": np.array([1]),
        "second": np.array([2]),
        "kernel": random.normal(size=(6, 3, 1, 2)).astype(np.float32),
        "bias": bias,
    }
    return model_of(nodes, weights, ("rows", "length", 3))


def test_a_bias_moves_into_its_convolution():
    random = np.random.default_rng(2)
    model = convolution(random.normal(size=(1, 6, 1)).astype(np.float32))
    x = random.normal(size=(2, 9, 3)).astype(np.float32)
    expected = run(model, x)
    assert expected.shape == (2, 9, 6)
    move_biases(model.graph)
    drop_unused_weights(model.graph)
    onnx.checker.check_model(model, full_check=True)
    assert kinds(model.graph) == Counter(Unsqueeze=1, Transpose=2, Conv=1, Squeeze=1)
    np.testing.assert_allclose(run(model, x), expected, atol=1e-6)


def test_what_is_no_bias_stays():
    positions = np.arange(9, dtype=np.float32).reshape(1, 1, 9)
    model = convolution(positions)
    before = model.SerializeToString()
    move_biases(model.graph)
    assert model.SerializeToString() == before


def test_layer_normalizations_are_found(tmp_path):
    import keras
    import tensorflow as tf

    from models.kernels.layer_norm import LayerNormalization

    pytest.importorskip("tf2onnx")
    random = np.random.default_rng(3)
    ours = LayerNormalization(epsilon=1e-3)
    theirs = keras.layers.LayerNormalization(epsilon=1e-3)
    for layer in (ours, theirs):
        layer.build((None, None, 8))
    weights = [random.normal(size=8).astype(np.float32) for _ in range(2)]
    ours.set_weights(weights)
    theirs.set_weights(weights)

    def function(inputs):
        x = inputs["x"]
        # The same over the length is no layer normalization.
        centered = x - tf.reduce_mean(x, axis=1, keepdims=True)
        scale = tf.math.rsqrt(tf.reduce_mean(tf.square(centered), axis=1, keepdims=True) + 1e-3)
        return {"last": ours(x), "length": centered * scale * weights[0] + weights[1]}

    path = tmp_path / "model.onnx"
    spec = tf.TensorSpec((None, None, 8), "float32", name="x")
    convert_to_onnx(function, {"x": spec}, path, {"x": ("batch", "length")})
    assert kinds(onnx.load(path).graph)["LayerNormalization"] == 1
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    x = random.normal(2, 3, size=(4, 5, 8)).astype(np.float32)
    found = dict(zip(("last", "length"), session.run(["last", "length"], {"x": x}), strict=True))
    np.testing.assert_allclose(found["last"], theirs(x), atol=1e-5)
    np.testing.assert_allclose(found["length"], function({"x": x})["length"], atol=1e-5)
