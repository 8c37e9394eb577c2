"""The quantization of ONNX models, on graphs made by hand."""

import numpy as np
import pytest

from conversion.onnx import quantize_onnx

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture
def model(tmp_path):
    """`rows[ids] @ kernel`, and beside it the sum of another table that is also looked up."""
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(0)
    # Rows of very different size, and one of zeros.
    rows = random.normal(size=(50, 64)) * np.geomspace(1e-3, 1e3, 50)[:, None]
    rows[7] = 0
    weights = {
        "rows": rows.astype(np.float32),
        "kernel": random.normal(size=(64, 32)).astype(np.float32),
        "shared": random.normal(size=(50, 64)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Gather", ["rows", "ids"], ["found"]),
        helper.make_node("MatMul", ["found", "kernel"], ["product"]),
        helper.make_node("Gather", ["shared", "ids"], ["others"]),
        helper.make_node("ReduceSum", ["shared"], ["sum"], keepdims=0),
    ]
    outputs = {"found": (None, 64), "product": (None, 32), "others": (None, 64), "sum": ()}
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("ids", TensorProto.INT32, (None,))],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
         for name, shape in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )  # fmt: skip
    path = tmp_path / "model.onnx"
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)
    return path, weights


def test_rows_have_scales_of_their_own(model):
    path, weights = model
    before = path.stat().st_size
    quantize_onnx(path)
    assert path.stat().st_size < 0.7 * before
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    ids = np.arange(50, dtype=np.int32)
    found, product, others, total = session.run(None, {"ids": ids})
    # Rounding is off by at most half a step, of which there are 127 to the largest number.
    limits = np.abs(weights["rows"]).max(axis=1, keepdims=True) / 254 + 1e-6
    assert (np.abs(found - weights["rows"]) <= limits * 1.001).all()
    np.testing.assert_array_equal(found[7], 0)
    expected = weights["rows"] @ weights["kernel"]
    assert np.abs(product - expected).max() < 0.02 * np.abs(expected).max()
    # What has another reader stays as it is.
    np.testing.assert_array_equal(others, weights["shared"])
    assert total == pytest.approx(weights["shared"].sum(), abs=1e-3)
    names = {each.name for each in onnx.load(path).graph.initializer}
    assert "shared" in names and not {"rows", "kernel"} & names
