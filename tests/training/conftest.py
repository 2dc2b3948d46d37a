from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from leafwise.config import (
    ClusteringSettings,
    LookSettings,
    NetSettings,
    PipelineSettings,
    RunSettings,
    TrainingSettings,
)
from leafwise.datasets import Pair, read_dataset
from leafwise.datasets.synthetic import draw_plant
from leafwise.imaging import write_image, write_labels
from leafwise.models import ModelCard
from leafwise.training import Hardware, fit, train

CPU = Hardware("cpu", devices="1", precision="32-true")


@pytest.fixture(scope="session")
def pairs(tmp_path_factory) -> list[Pair]:
    """Six synthetic plants, 96 x 101."""
    folder = tmp_path_factory.mktemp("plants")
    for kind in ("images", "labels"):
        (folder / kind).mkdir()
    for i in range(6):
        image, labels = draw_plant(i, height=96, width=101)
        write_image(folder / "images" / f"p{i}.png", image)
        write_labels(folder / "labels" / f"p{i}.png", labels)
    return read_dataset(folder)


class Trained(NamedTuple):
    """What would have been written as a model."""

    folder: Path
    weights: dict[str, torch.Tensor]
    card: ModelCard


@pytest.fixture
def train_small(pairs, tmp_path, monkeypatch):
    """Trains a tiny network on four plants, two validate, and stops short of the export, which takes longest.

    The settings of a section are given by its name: train_small(training={"epochs": 1}).
    """
    written = []

    def keep(folder, net, card):
        weights = {name: value.detach().clone() for name, value in net.state_dict().items()}
        written.append(Trained(folder, weights, card))
        return folder

    monkeypatch.setattr(fit, "write_model", keep)

    def run(out="run", *, validation=2, start=None, resume=False, hardware=CPU, **sections):
        settings = RunSettings(
            looks=LookSettings(input_size=64),
            net=NetSettings(encoder="test_byobnet", encoder_weights="none", embedding_size=4),
            training=TrainingSettings(epochs=2, batch_size=2, validate_every=1, least_views=0),
            pipeline=PipelineSettings("hdbscan"),
            clustering=ClusteringSettings(min_cluster_size=20, min_samples=5),
        )
        for section, values in sections.items():
            settings = replace(settings, **{section: replace(getattr(settings, section), **values)})
        train(
            pairs[2:],
            pairs[:validation],
            tmp_path / out,
            settings,
            start=start,
            resume=resume,
            hardware=hardware,
        )
        return written[-1]

    return run
