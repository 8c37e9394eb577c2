"""Teaches tf2onnx an operation, and completes the files that it writes."""

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np


def convert_to_onnx(
    convert: Callable[[], None], path: Path, shapes: Mapping[str, Sequence[str]]
) -> None:
    """Runs `convert`, which writes `path` with tf2onnx, and completes the file.

    Args:
        convert: writes the file.
        path: the file.
        shapes: the names of the dimensions of each input. Inputs of different lengths must not
            share a name: the runtime would let their arrays share memory.

    Raises:
        onnx.checker.ValidationError: the file is not a valid ONNX model.
    """
    import onnx

    _teach_erfc()
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
    convert()
    model = onnx.load(path)
    # The dynamic axes have meaningless names, different ones for each input.
    for value in (*model.graph.input, *model.graph.output):
        dimensions = value.type.tensor_type.shape.dim
        names = shapes.get(value.name, ("batch", "length", "width"))
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
