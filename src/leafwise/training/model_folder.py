"""Trained networks as model folders: all of a folder, or nothing."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from leafwise.config import PipelineSettings
from leafwise.errors import OutputError
from leafwise.models import CLUSTER_NET_NAME, EMBEDDING_NAME, ModelCard, read_card, write_card
from leafwise.nets import ClusterNet, EmbeddingNet, export_cluster_net, export_onnx, save_weights

WEIGHTS_NAME = "weights.safetensors"


def write_model(folder: Path, net: EmbeddingNet, card: ModelCard) -> Path:
    """Write an embedding network as a model folder, which is returned. Raises OutputError where that fails."""
    with _whole(folder) as unfinished:
        save_weights(net, unfinished / WEIGHTS_NAME)
        export_onnx(net, unfinished / EMBEDDING_NAME, input_size=card.looks.input_size)
        write_card(card, unfinished)
    return folder


def add_cluster_net(net: ClusterNet, model: Path, folder: Path) -> Path:
    """Write a model folder anew with a ClusterNet in it, and in its pipeline; returns the new folder.

    Raises OutputError where that fails.
    """
    card = read_card(model)
    with _whole(folder) as unfinished:
        for path in model.iterdir():
            shutil.copy(path, unfinished)
        export_cluster_net(net, unfinished / CLUSTER_NET_NAME)
        if "cluster_net" not in card.pipeline.refinements:
            card = replace(card, pipeline=PipelineSettings(f"{card.pipeline.steps}+cluster_net"))
        write_card(replace(card, scores={}), unfinished)  # they were of the model without it
    return folder


@contextlib.contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """A new folder to write into, which takes the place of `folder` once all is written."""
    unfinished = folder.with_name(folder.name + ".tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(parents=True)
        yield unfinished
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
    except OSError as error:
        raise OutputError(
            f"{folder}: the model cannot be written ({error}); check space and rights"
        ) from error
