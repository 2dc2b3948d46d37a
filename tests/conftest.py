"""Fixtures that several test modules share."""

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


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    """The folder of a small network that has learned nothing, complete as training writes one."""
    import torch

    from leafwise.config import ClusteringSettings, LookSettings, NetSettings, PipelineSettings
    from leafwise.models import ModelCard, write_card
    from leafwise.nets import EmbeddingNet, export_onnx, save_weights

    folder = tmp_path_factory.mktemp("models") / "tiny"
    folder.mkdir()
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
    return folder


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
