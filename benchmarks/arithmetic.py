"""How much arithmetic a network is, counted in its ONNX graph."""

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from pathlib import Path


@lru_cache(maxsize=64)
def operations(path: Path, shape: tuple[int, ...], part: str = "") -> float:
    """Floating-point operations of all convolutions and matrix products for one input of `shape`.

    Two for each product and its sum. With `part` only those count whose weights' name holds it ("encoder"). What is
    left out (sums, activations, scaling) is under a hundredth. Needs onnx.
    """
    import onnx

    model = onnx.load(path)
    graph = model.graph
    del graph.value_info[:]  # they know the sides by letters
    for dimension, side in zip(graph.input[0].type.tensor_type.shape.dim, shape, strict=True):
        dimension.dim_value = side
    for output in graph.output:
        output.type.tensor_type.ClearField("shape")
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    sides = {
        value.name: [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        for value in (*graph.value_info, *graph.output)
    }
    sides |= {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    nodes = [node for node in graph.node if node.op_type in ("Conv", "Gemm", "MatMul")]
    total: float = sum(
        2.0 * prod(sides[node.output[0]]) * _products(node.op_type, sides[node.input[1]])
        for node in nodes
        if part in node.input[1]
    )
    return total


def _products(kind: str, weights: Sequence[int]) -> int:
    """Products for one number of the output: weights (out, in, height, width), or a matrix (in, out)."""
    return prod(weights[1:]) if kind == "Conv" else weights[0]
