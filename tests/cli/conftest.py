import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from leafwise.config import ClusteringSettings
from leafwise.datasets.synthetic import draw_plant
from leafwise.imaging import write_image, write_labels
from leafwise.models import read_card, write_card


@pytest.fixture(scope="session")
def leafy_model(tiny_model, tmp_path_factory) -> Path:
    """The tiny network with settings under which it finds leaves, however senseless, in every photo."""
    folder = shutil.copytree(tiny_model, tmp_path_factory.mktemp("models") / "leafy")
    clustering = ClusteringSettings(
        min_cluster_size=10, min_samples=3, merge_distance=0.0, foreground_threshold=0.1
    )
    write_card(replace(read_card(folder), name="leafy", clustering=clustering), folder)
    return folder


@pytest.fixture(scope="module")
def ready_networks(tiny_model, write_cluster_net):
    """A training leaves the tiny network, and the ClusterNet made by hand, in place of what it learnt.

    An export takes ten times as long as all else of a small training. The weights to train on from are its own.
    """
    from leafwise.nets import EmbeddingNet

    def copy_onnx(net, path, *, input_size):
        EmbeddingNet(read_card(tiny_model).net).load_state_dict(net.state_dict())  # fails for another network
        shutil.copy(tiny_model / "embedding.onnx", path)

    folder = "leafwise.training.model_folder"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{folder}.export_onnx", copy_onnx)
        patch.setattr(f"{folder}.export_cluster_net", lambda net, path: write_cluster_net(path))
        yield


@pytest.fixture(scope="session")
def photos(tmp_path_factory) -> Path:
    """A folder of six photos, 96 x 101; not to be changed."""
    folder = tmp_path_factory.mktemp("photos")
    for i in range(6):
        write_image(folder / f"plant{i}.png", draw_plant(i, height=96, width=101)[0])
    return folder


@pytest.fixture(scope="session")
def dataset(tmp_path_factory) -> Path:
    """A data set of six synthetic plants, 96 x 101; not to be changed."""
    folder = tmp_path_factory.mktemp("dataset")
    for kind in ("images", "labels"):
        (folder / kind).mkdir()
    for i in range(6):
        image, labels = draw_plant(i, height=96, width=101)
        write_image(folder / "images" / f"p{i}.png", image)
        write_labels(folder / "labels" / f"p{i}.png", labels)
    return folder


@pytest.fixture
def two_plants(dataset, tmp_path) -> Path:
    """The six photos under names, as KOMATSUNA's are, that say they show two plants, "0" and "1"."""
    for kind in ("images", "labels"):
        (tmp_path / "two_plants" / kind).mkdir(parents=True)
        for i in range(6):
            name = f"{i}_{i % 2}_0_0.png"  # view, plant, day, hour
            shutil.copy(dataset / kind / f"p{i}.png", tmp_path / "two_plants" / kind / name)
    return tmp_path / "two_plants"
