"""A network made by hand, whose answers are known: it sees leaves by their colours."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from leafwise.config import ClusteringSettings, LookSettings, NetSettings, PipelineSettings
from leafwise.models import Model, ModelCard, write_card

SIZE = 64  # of the network's input
STRIDE = 2


@pytest.fixture(scope="session")
def color_model(tmp_path_factory) -> Model:
    """Embeddings are 10 x the mean RGB of 2 x 2 pixels; the foreground is where green is above 0.85."""
    return make_color_model(tmp_path_factory.mktemp("color"), foreground_head=True)


@pytest.fixture(scope="session")
def color_model_without_foreground(tmp_path_factory) -> Model:
    return make_color_model(tmp_path_factory.mktemp("color"), foreground_head=False)


def make_color_model(folder: Path, *, foreground_head: bool) -> Model:
    nodes = [
        helper.make_node(
            "AveragePool", ["images"], ["mean"], kernel_shape=[STRIDE] * 2, strides=[STRIDE] * 2
        ),
        helper.make_node("Mul", ["mean", "ten"], ["embeddings"]),
    ]
    outputs = [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["b", 3, "h2", "w2"])]
    if foreground_head:
        nodes += [
            helper.make_node("Conv", ["mean", "weight", "bias"], ["logits"]),
            helper.make_node("Squeeze", ["logits", "axis"], ["flat"]),
            helper.make_node("Sigmoid", ["flat"], ["foreground"]),
        ]
        outputs.append(helper.make_tensor_value_info("foreground", TensorProto.FLOAT, ["b", "h2", "w2"]))
    constants = {
        "ten": np.array(10, np.float32),
        "weight": np.array([0, 100, 0], np.float32).reshape(1, 3, 1, 1),
        "bias": np.array([-85], np.float32),
        "axis": np.array([1], np.int64),
    }
    graph = helper.make_graph(
        nodes,
        "colors",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["b", 3, "h", "w"])],
        outputs,
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    program = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(program, folder / "embedding.onnx")
    card = ModelCard(
        name="color",
        leafwise_version="0.1.0",
        stride=STRIDE,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        looks=LookSettings(input_size=SIZE, margin=0.1),
        pipeline=PipelineSettings("hdbscan"),
        clustering=ClusteringSettings(min_cluster_size=40, min_samples=4),
        net=NetSettings(foreground_head=foreground_head),
    )
    write_card(card, folder)
    return Model.load(folder, threads=1)


@pytest.fixture(scope="session")
def paint() -> Callable[..., np.ndarray]:
    """Paints a label map: each leaf in a green of its own, the rest in brown."""

    def paint_leaves(labels: np.ndarray) -> np.ndarray:
        i = np.arange(labels.max() + 1)
        colors = np.stack([70 * i % 256, np.full(len(i), 255), 110 * (i // 3) % 256], 1).astype(np.uint8)
        colors[0] = (90, 60, 30)
        return colors[labels]

    return paint_leaves
