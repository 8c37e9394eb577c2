"""Writes ONNX models with tf2onnx, and quantizes them."""

import functools
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from conversion.onnx_operations import (
    drop_unused_weights,
    find_layer_normalizations,
    mark_gelu,
    move_biases,
)

# Of a row of zeros, any scale will do.
_LEAST = np.float32(1e-30)
# The first that has LayerNormalization.
_OPSET = 17


def convert_to_onnx(
    function: Callable[..., Any],
    signature: Mapping[str, Any],
    path: Path,
    shapes: Mapping[str, Sequence[str]],
) -> None:
    """Writes a function as an ONNX model.

    Layer normalization and GELU are written as ONNX Runtime computes them in one pass over memory.

    Args:
        function: computes outputs by name from inputs by name, of TensorFlow's operations.
        signature: the `tf.TensorSpec` of each input.
        path: the file.
        shapes: the names of the dimensions of each input. Inputs of different lengths must not
            share a name: the runtime would let their arrays share memory.

    Raises:
        onnx.checker.ValidationError: the file is not a valid ONNX model.
    """
    import onnx
    import tensorflow as tf
    import tf2onnx

    _teach_erfc()
    _keep_reshapes()
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
    inputs = [dict(signature)]
    model, _ = tf2onnx.convert.from_function(
        tf.function(function, input_signature=inputs, autograph=False),
        inputs,
        opset=_OPSET,
        custom_rewriter=[find_layer_normalizations],
    )
    mark_gelu(model.graph)
    move_biases(model.graph)
    drop_unused_weights(model.graph)
    # The dynamic axes have meaningless names, different ones for each input.
    for value in (*model.graph.input, *model.graph.output):
        dimensions = value.type.tensor_type.shape.dim
        names = shapes.get(value.name, ("batch", *["length"] * len(dimensions)))
        for dimension, name in zip(dimensions, names, strict=False):
            if not dimension.HasField("dim_value"):
                dimension.dim_param = name
    # tf2onnx writes operations that it cannot convert unchanged, without an error.
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


@functools.cache
def _teach_erfc() -> None:
    """Adds `Erfc(x) = 1 - Erf(x)`, which the exact GELU needs, to tf2onnx's operations."""
    from tf2onnx.handler import tf_op

    @tf_op("Erfc")
    class Erfc:
        @classmethod
        def version_9(cls, ctx: Any, node: Any, **kwargs: Any) -> None:
            types = {"dtypes": node.output_dtypes, "shapes": node.output_shapes}
            ctx.remove_node(node.name)
            one = ctx.make_const(f"{node.name}/one", np.ones((), np.float32)).output[0]
            erf = ctx.make_node("Erf", node.input, **types).output[0]
            ctx.make_node("Sub", [one, erf], name=node.name, outputs=node.output, **types)


@functools.cache
def _keep_reshapes() -> None:
    """Keeps tf2onnx from leaving out a reshape before one that copies sizes of its output.

    Its optimizers write 0 for a size that is copied from the input, and afterwards join two
    reshapes to the second one, whose input has other sizes then.
    """
    from tf2onnx.optimizer import back_to_back_optimizer

    handlers = back_to_back_optimizer._func_map
    join = handlers["Reshape",]

    def joined(graph: Any, node: Any, consumers: Sequence[Any]) -> list[Any]:
        for consumer in consumers:
            shape = consumer.inputs[1] if consumer.type == "Reshape" else None
            if shape is not None and shape.is_const() and 0 in shape.get_tensor_value():
                return []
        return join(graph, node, consumers)

    handlers["Reshape",] = joined


def quantize_onnx(path: Path) -> None:
    """Replaces the large float weights of a model by 8-bit ones, in place.

    Matrix products round their other factor, too, for each batch anew ("dynamic quantization"), and
    are computed with integers. Weights are signed, which is fastest, and have 7 bits and a scale
    for each column, since products of 8 bits may overflow on processors without VNNI:
    https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
    The rows of a table that is looked up (embeddings, the n-grams' weights) are int8 with a scale
    for each row, and are float again when they have been looked up. Convolutions stay float: ONNX
    Runtime computes them more slowly with integers.

    Args:
        path: the file.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # It logs, as the root, what it does with each product.
    try:
        quantize_dynamic(
            path,
            path,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
        )
    finally:
        logging.disable(before)
    model = onnx.load(path)
    _quantize_tables(model.graph)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def _quantize_tables(graph: Any) -> None:
    """Gives every 2-dimensional float table whose rows are looked up int8 rows with scales."""
    from onnx import TensorProto, helper, numpy_helper

    weights = {each.name: each for each in graph.initializer}
    readers = Counter(name for node in graph.node for name in node.input)
    nodes = []
    for node in graph.node:
        table = weights.get(node.input[0]) if node.op_type == "Gather" else None
        axis = [each.i for each in node.attribute if each.name == "axis"]
        # Not a table that something else needs as it is.
        if table is None or axis not in ([], [0]) or readers[table.name] > 1:
            nodes.append(node)
            continue
        # A scale takes as much as a float.
        if table.data_type != TensorProto.FLOAT or len(table.dims) != 2 or table.dims[1] < 2:
            nodes.append(node)
            continue
        name, values = table.name, numpy_helper.to_array(table)
        scales = np.maximum(np.abs(values).max(axis=1, keepdims=True) / 127, _LEAST)
        rows = np.rint(values / scales).astype(np.int8)
        graph.initializer.remove(table)
        graph.initializer.append(numpy_helper.from_array(rows, f"{name}/int8"))
        graph.initializer.append(numpy_helper.from_array(scales, f"{name}/scales"))
        ids, (output,) = node.input[1], node.output
        found = [f"{output}/{each}" for each in ("int8", "float", "scales")]
        nodes += [
            helper.make_node("Gather", [f"{name}/int8", ids], found[:1]),
            helper.make_node("Cast", found[:1], found[1:2], to=TensorProto.FLOAT),
            helper.make_node("Gather", [f"{name}/scales", ids], found[2:]),
            helper.make_node("Mul", found[1:], [output]),
        ]
    del graph.node[:]
    graph.node.extend(nodes)
