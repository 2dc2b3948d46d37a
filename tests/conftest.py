"""Fixtures that several test modules share."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("leafwise", deadline=None)  # a busy machine is no failure
settings.load_profile("leafwise")


collect_ignore_glob = ["**/conftest.py", "conftest.py"]  # not to be read for doctests: all have one name


@pytest.fixture(scope="session")
def shared() -> Path:
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "data" / "cvppp_a1").is_dir():
        pytest.skip("the real photos of ../shared are not here")
    return folder


def made_once(tmp_path_factory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that `make` has filled, one for all processes of a run: the first makes it, the others wait."""
    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent  # the processes of pytest-xdist have it in common
    folder, unfinished, ended = (place / part for part in (name, f"{name}.making", f"{name}.ended"))
    try:
        unfinished.mkdir()
    except FileExistsError:
        until = time.monotonic() + 300
        while not ended.exists() and time.monotonic() < until:
            time.sleep(0.1)
        if not folder.is_dir():
            pytest.fail(f"another process has not made {folder}")
        return folder
    try:
        made = unfinished / name
        made.mkdir()
        make(made)
        made.rename(folder)
    finally:
        ended.touch()
    return folder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    """The folder of a small network that has learned nothing, complete as training writes one; not to be changed."""
    return made_once(tmp_path_factory, "tiny", write_tiny_model)


def write_tiny_model(folder: Path) -> None:
    import torch

    from leafwise.config import ClusteringSettings, LookSettings, NetSettings, PipelineSettings
    from leafwise.models import ModelCard, write_card
    from leafwise.nets import EmbeddingNet, export_onnx, save_weights

    settings = NetSettings(encoder="test_byobnet", encoder_weights="none", embedding_size=4)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = EmbeddingNet(settings)
    export_onnx(net, folder / "embedding.onnx", input_size=64)
    save_weights(net, folder / "weights.safetensors")
    card = ModelCard(
        name="tiny",
        leafwise_version="0.1.0",
        stride=net.stride,
        looks=LookSettings(input_size=64),
        pipeline=PipelineSettings("hdbscan"),
        clustering=ClusteringSettings(min_cluster_size=20, min_samples=5),
        net=settings,
    )
    write_card(card, folder)


@pytest.fixture(scope="session")
def small_cluster_net(tmp_path_factory) -> Path:
    """A folder with a small ClusterNet that has seen some images: exported, and its weights; not to be changed."""
    return made_once(tmp_path_factory, "cluster_net", write_small_cluster_net)


def write_small_cluster_net(folder: Path) -> None:
    import torch

    from leafwise.nets import ClusterNet, export_cluster_net, save_weights

    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = ClusterNet(2)
        for _ in range(20):
            net(torch.rand(4, 1, 64, 64))  # in training mode: statistics that keep values apart
        net.last.weight.data *= 20  # so that masks differ from pixel to pixel
    export_cluster_net(net, folder / "clusternet.onnx")
    save_weights(net, folder / "weights.safetensors")


@pytest.fixture(scope="session")
def write_cluster_net() -> Callable[[Path], None]:
    """Writes a ClusterNet made by hand: of a likelihood image it keeps what is well above 0.8."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    steps = [
        ("Squeeze", ["likelihood", "axis"], ["flat"]),
        ("Sub", ["flat", "level"], ["above"]),
        ("Mul", ["above", "steepness"], ["logits"]),
        ("Sigmoid", ["logits"], ["masks"]),
    ]
    constants = {
        "axis": np.array([1], np.int64),
        "level": np.array(0.8, np.float32),
        "steepness": np.array(40, np.float32),
    }
    graph = helper.make_graph(
        [helper.make_node(*step) for step in steps],
        "by_hand",
        [helper.make_tensor_value_info("likelihood", TensorProto.FLOAT, ["n", 1, "h", "w"])],
        [helper.make_tensor_value_info("masks", TensorProto.FLOAT, ["n", "h", "w"])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    program = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return lambda path: onnx.save(program, path)


@pytest.fixture(scope="session")
def painted_model(tmp_path_factory, write_cluster_net) -> Path:
    """A folder: embeddings are 10 x the mean RGB of 2 x 2 pixels, no foreground; ClusterNet keeps what is above 0.8."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    from leafwise.config import ClusteringSettings, LookSettings, NetSettings, PipelineSettings
    from leafwise.models import ModelCard, write_card

    folder = tmp_path_factory.mktemp("models") / "colors"
    folder.mkdir()
    pool = helper.make_node("AveragePool", ["images"], ["mean"], kernel_shape=[2, 2], strides=[2, 2])
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
        stride=2,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        looks=LookSettings(input_size=64, first_size=64),
        pipeline=PipelineSettings("hdbscan"),
        clustering=ClusteringSettings(min_cluster_size=20, min_samples=4),
        net=NetSettings(foreground_head=False),
    )
    write_card(card, folder)
    return folder


@pytest.fixture(scope="session")
def two_leaves():
    """The truth of every painted plant: leaves of 32 x 16 and 20 x 20 pixels, int32 (64, 64)."""
    import numpy as np

    labels = np.zeros((64, 64), np.int32)
    labels[16:32, 8:40] = 1
    labels[36:56, 36:56] = 2
    return labels


@pytest.fixture(scope="session")
def painted(tmp_path_factory, two_leaves):
    """Three plants in the colours of `painted_model`, two leaves on soil each; beside the second's first is a ghost.

    The ghost's strip is nearer to the soil than to any leaf: its likelihood is high on all of the soil.
    """
    import numpy as np

    from leafwise.datasets import Pair
    from leafwise.imaging import write_image, write_labels

    colors = np.array([[90, 60, 30], [10, 255, 0], [120, 255, 0]], np.uint8)  # soil and two leaves
    folder = tmp_path_factory.mktemp("painted")
    pairs = []
    for i in range(3):
        pair = Pair(f"plant{i}", folder / f"plant{i}_rgb.png", folder / f"plant{i}_label.png", f"plant{i}")
        photo = colors[two_leaves]
        if i == 1:
            photo[12:16, 4:44] = (110, 60, 30)
        write_image(pair.image, photo)
        write_labels(pair.labels, two_leaves)
        pairs.append(pair)
    return pairs
