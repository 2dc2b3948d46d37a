"""A model without foreground head made by hand, and plants in its colours, one of them with a ghost."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from leafwise.config import ClusteringSettings, LookSettings, NetSettings, PipelineSettings
from leafwise.datasets import Pair
from leafwise.imaging import write_image, write_labels
from leafwise.models import ModelCard, write_card

SIDE, STRIDE = 64, 2
COLORS = np.array([[90, 60, 30], [10, 255, 0], [120, 255, 0]], np.uint8)  # soil and two leaves
GHOST = (110, 60, 30)  # nearer to the soil than to any leaf: its likelihood is high on all of the soil
CLUSTERING = ClusteringSettings(min_cluster_size=20, min_samples=4)


@pytest.fixture(scope="session")
def color_model(tmp_path_factory, write_cluster_net) -> Path:
    """Embeddings are 10 x the mean RGB of 2 x 2 pixels; ClusterNet keeps what is well above 0.8."""
    folder = tmp_path_factory.mktemp("models") / "colors"
    folder.mkdir()
    pool = helper.make_node(
        "AveragePool", ["images"], ["mean"], kernel_shape=[STRIDE] * 2, strides=[STRIDE] * 2
    )
    graph = helper.make_graph(
        [pool, helper.make_node("Mul", ["mean", "ten"], ["embeddings"])],
        "colors",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["b", 3, "h", "w"])],
        [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["b", 3, "h2", "w2"])],
        [numpy_helper.from_array(np.array(10, np.float32), "ten")],
    )
    program = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(program, folder / "embedding.onnx")
    write_cluster_net(folder / "clusternet.onnx")
    card = ModelCard(
        name="colors",
        leafwise_version="0.1.0",
        stride=STRIDE,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        looks=LookSettings(input_size=SIDE, first_size=SIDE),
        pipeline=PipelineSettings("hdbscan"),
        clustering=CLUSTERING,
        net=NetSettings(foreground_head=False),
    )
    write_card(card, folder)
    return folder


@pytest.fixture(scope="session")
def two_leaves() -> np.ndarray:
    """The truth of every painted plant: leaves of 32 x 16 and 20 x 20 pixels, int32 (64, 64)."""
    labels = np.zeros((SIDE, SIDE), np.int32)
    labels[16:32, 8:40] = 1
    labels[36:56, 36:56] = 2
    return labels


@pytest.fixture(scope="session")
def painted(tmp_path_factory, two_leaves) -> list[Pair]:
    """Three plants of `two_leaves`; beside the first leaf of the second there is a strip in the ghost's colour."""
    folder = tmp_path_factory.mktemp("painted")
    pairs = []
    for i in range(3):
        pair = Pair(f"plant{i}", folder / f"plant{i}_rgb.png", folder / f"plant{i}_label.png", f"plant{i}")
        photo = COLORS[two_leaves]
        if i == 1:
            photo[12:16, 4:44] = GHOST
        write_image(pair.image, photo)
        write_labels(pair.labels, two_leaves)
        pairs.append(pair)
    return pairs
