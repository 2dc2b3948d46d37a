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
