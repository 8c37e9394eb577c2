"""Writes what the layers compute with the operations that ONNX Runtime is fast at."""

from collections import defaultdict
from typing import Any

import numpy as np


def find_layer_normalizations(graph: Any, operations: Any) -> Any:
    """Replaces what `models.kernels.layer_norm` computes by one operation, in tf2onnx's graph."""
    from tf2onnx.graph_matcher import GraphMatcher, OpTypePattern

    def pattern(kind: str, *inputs: Any, name: str | None = None) -> Any:
        return OpTypePattern(kind, name=name, inputs=list(inputs) or None)

    axes = "Const|ConstV2"
    centered = pattern("Sub", pattern("*", name="x"), pattern("Mean", name="mean"), name="centered")
    variance = pattern("Mean", pattern("Square", centered), pattern(axes, name="axes"))
    scale = pattern("Rsqrt", pattern("Add|AddV2", variance, pattern(axes, name="epsilon")))
    again, gamma, beta = (pattern("*", name=name) for name in ("again", "gamma", "beta"))
    # TensorFlow multiplies by the vector first.
    for product in (
        pattern("Mul", again, pattern("Mul", scale, gamma)),
        pattern("Mul", pattern("Mul", again, scale), gamma),
    ):
        output = pattern("Add|AddV2", product, beta, name="output")
        for match in GraphMatcher(output, allow_reorder=True).match_ops(list(graph.get_nodes())):
            node, mean = match.get_op("output"), match.get_op("mean")
            rank = graph.get_rank(match.get_tensor("x"))
            last = [[-1], [rank - 1]] if rank else [[-1]]
            if (
                match.get_op("again") is not match.get_op("centered")
                or mean.input[0] != match.get_tensor("x")
                or any(
                    np.ravel(each.get_tensor_value()).tolist() not in last
                    for each in (mean.inputs[1], match.get_op("axes"))
                )
                or len(graph.get_shape(match.get_tensor("gamma")) or ()) != 1
            ):
                continue
            found = graph.make_node(
                "LayerNormalization",
                [match.get_tensor(name) for name in ("x", "gamma", "beta")],
                attr={"axis": -1, "epsilon": float(match.get_op("epsilon").get_tensor_value())},
                dtypes=node.output_dtypes,
                shapes=node.output_shapes,
            )
            graph.replace_all_inputs(node.output[0], found.output[0])
    graph.delete_unused_nodes(graph.outputs)
    return list(graph.get_nodes())


def mark_gelu(graph: Any) -> None:
    """Writes `erf(x * sqrt(1/2))` as `erf(x / sqrt(2))`, which ONNX Runtime looks for."""
    from onnx import numpy_helper

    weights = {each.name: each for each in graph.initializer}
    made_by = {name: node for node in graph.node for name in node.output}
    root = numpy_helper.from_array(np.sqrt(np.float32(2)), "square_root_of_2")
    for node in graph.node:
        scaled = made_by.get(node.input[0]) if node.op_type == "Erf" else None
        if scaled is None or scaled.op_type != "Mul":
            continue
        values = [numpy_helper.to_array(weights[n]) for n in scaled.input if n in weights]
        if len(values) != 1 or values[0].size != 1 or not np.isclose(values[0], np.sqrt(0.5)):
            continue
        (x,) = (name for name in scaled.input if name not in weights)
        scaled.op_type = "Div"
        scaled.input[:] = [x, root.name]
        if root.name not in weights:
            weights[root.name] = root
            graph.initializer.append(root)


def move_biases(graph: Any) -> None:
    """Moves the biases of convolutions into them, and the change of layout next to them.

    tf2onnx gives a convolution of one dimension a second one of size 1: `Conv`, `Squeeze`, `Add`,
    `Transpose`. As `Conv`, `Transpose`, `Squeeze`, ONNX Runtime has three passes over memory fewer.

    Args:
        graph: of an ONNX model; it is changed in place.
    """
    from onnx import helper, numpy_helper

    weights = {each.name: each for each in graph.initializer}
    readers = defaultdict(list)
    for node in graph.node:
        for name in node.input:
            readers[name].append(node)
    outputs = {each.name for each in graph.output}

    def only_reader(node: Any, kind: str) -> Any:
        found = [] if node is None or node.output[0] in outputs else readers[node.output[0]]
        return found[0] if len(found) == 1 and found[0].op_type == kind else None

    nodes: list[Any] = []
    removed: set[str] = set()
    for node in graph.node:
        if node.output[0] in removed:
            continue
        nodes.append(node)
        if node.op_type != "Conv" or len(node.input) != 2:
            continue
        squeeze = only_reader(node, "Squeeze")
        add = only_reader(squeeze, "Add")
        transpose = only_reader(add, "Transpose")
        if transpose is None or list(transpose.attribute[0].ints) != [0, 2, 1]:
            continue
        bias = weights.get(add.input[1])
        units = weights[node.input[1]].dims[0]
        axes = numpy_helper.to_array(weights[squeeze.input[1]]).tolist()
        if axes != [2] or bias is None or list(bias.dims) != [1, units, 1]:
            continue
        names = [f"{node.name}/{each}" for each in ("bias", "axes", "transposed")]
        vector = numpy_helper.to_array(bias).reshape(units)
        graph.initializer.append(numpy_helper.from_array(vector, names[0]))
        graph.initializer.append(numpy_helper.from_array(np.array([1]), names[1]))
        node.input.append(names[0])
        nodes += [
            helper.make_node("Transpose", node.output, names[2:], perm=[0, 2, 3, 1]),
            helper.make_node("Squeeze", [names[2], names[1]], transpose.output),
        ]
        removed |= {each.output[0] for each in (squeeze, add, transpose)}
    del graph.node[:]
    graph.node.extend(nodes)


def drop_unused_weights(graph: Any) -> None:
    """Removes the weights of an ONNX model's graph that no operation of it reads."""
    read = _names_read(graph)
    for each in [each for each in graph.initializer if each.name not in read]:
        graph.initializer.remove(each)


def _names_read(graph: Any) -> set[str]:
    """What the operations of a graph read, those of loops included."""
    read = {name for node in graph.node for name in node.input}
    inner = (each.g for node in graph.node for each in node.attribute if each.HasField("g"))
    return read.union(*map(_names_read, inner))
