"""The card of a model: what it is, what it was trained on, how it is used and how well it does."""

from dataclasses import dataclass, field
from pathlib import Path

import tomli_w

from leafwise.config import (
    ClusteringSettings,
    LookSettings,
    LossSettings,
    NetSettings,
    PipelineSettings,
    RefineSettings,
    SegmentSettings,
    from_dict,
    read_toml,
    to_dict,
)
from leafwise.errors import ModelError, SettingsError
from leafwise.imaging import write_text

CARD_NAME = "model.toml"
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class ModelCard:
    """Everything about a model but its weights; `model.toml` in its folder."""

    name: str
    leafwise_version: str
    stride: int  # pixels of the input for one of the embeddings, along each axis
    description: str = ""
    trained_on: str = ""
    command: str = ""  # that trains it again
    limits: str = ""  # where it fails
    licence: str = ""
    mean: tuple[float, ...] = IMAGENET_MEAN  # of RGB in [0, 1], taken off the input
    std: tuple[float, ...] = IMAGENET_STD  # of RGB in [0, 1], the input is divided by it
    looks: LookSettings = field(default_factory=LookSettings)
    pipeline: PipelineSettings = field(default_factory=PipelineSettings)
    clustering: ClusteringSettings = field(default_factory=ClusteringSettings)
    refine: RefineSettings = field(default_factory=RefineSettings)
    net: NetSettings = field(default_factory=NetSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    scores: dict[str, dict[str, float]] = field(default_factory=dict)  # data set -> metric -> value

    @property
    def segment(self) -> SegmentSettings:
        """How the model is used."""
        return SegmentSettings(self.looks, self.pipeline, self.clustering, self.refine)


def read_card(folder: Path) -> ModelCard:
    """The card of a model folder. Raises ModelError where it is missing, damaged or incomplete."""
    path = folder / CARD_NAME
    if not path.is_file():
        raise ModelError(
            f"{folder}: not a model folder, it has no {CARD_NAME}; `leafwise models` lists models"
        )
    try:
        return from_dict(ModelCard, read_toml(path), where=str(path))
    except SettingsError as error:
        raise ModelError(f"damaged model card: {error}") from error


def write_card(card: ModelCard, folder: Path) -> None:
    """Write a card into a model folder. Raises OutputError where that fails."""
    write_text(folder / CARD_NAME, tomli_w.dumps(to_dict(card), multiline_strings=True))
