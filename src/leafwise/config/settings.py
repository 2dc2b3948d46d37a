"""The settings of every step, with their units and their only default values."""

from dataclasses import dataclass, field
from typing import Literal

from leafwise.errors import SettingsError


def _require(condition: bool, message: str) -> None:  # noqa: FBT001
    if not condition:
        raise SettingsError(message)


@dataclass(frozen=True)
class LookSettings:
    """How photos are looked at: first whole, then one square for each plant."""

    input_size: int = 384  # pixels, side of the square that the network sees of a plant
    first_size: int = 768  # pixels, largest side of the first look; smaller photos are seen as they are
    margin: float = 0.08  # of the plant's extent, added to its square on every side
    one_plant: bool = False  # take everything in a photo as one plant
    plant_gap: float = 0.05  # of the larger piece's extent; pieces closer than this are one plant
    photo_gap: float = 0.02  # of the photo's side, added to that: what the first look does not see
    smallest_plant: float = 0.015  # of the largest plant's area; anything smaller is not a plant

    def __post_init__(self) -> None:
        _require(
            self.input_size >= 32 and self.input_size % 32 == 0,
            f"looks.input_size must be a multiple of 32, at least 32; it is {self.input_size}",
        )
        _require(self.margin >= 0, f"looks.margin must not be negative; it is {self.margin}")
        _require(
            self.first_size >= self.input_size and self.first_size % 32 == 0,
            f"looks.first_size must be a multiple of 32, not below looks.input_size; it is {self.first_size}",
        )
        _require(self.plant_gap >= 0, f"looks.plant_gap must not be negative; it is {self.plant_gap}")
        _require(self.photo_gap >= 0, f"looks.photo_gap must not be negative; it is {self.photo_gap}")
        _require(
            0 <= self.smallest_plant <= 1,
            f"looks.smallest_plant must lie between 0 and 1; it is {self.smallest_plant}",
        )


@dataclass(frozen=True)
class ClusteringSettings:
    """HDBSCAN on pixel embeddings (paper, section 3.2); sizes in pixels of the network's own grid."""

    min_cluster_size: int = 20  # pixels; smaller groups are not leaves
    min_samples: int = 20  # pixels; neighbours that make a pixel a core pixel
    merge_distance: float = 1.25  # embedding units; clusters with closer centers are one instance
    foreground_threshold: float = 0.5  # probability from which a pixel belongs to a plant

    def __post_init__(self) -> None:
        _require(
            self.min_cluster_size >= 2,
            f"clustering.min_cluster_size must be at least 2; it is {self.min_cluster_size}",
        )
        _require(
            self.min_samples >= 1, f"clustering.min_samples must be at least 1; it is {self.min_samples}"
        )
        _require(
            self.merge_distance >= 0,
            f"clustering.merge_distance must not be negative; it is {self.merge_distance}",
        )
        _require(
            0 < self.foreground_threshold < 1,
            f"clustering.foreground_threshold must lie between 0 and 1; it is {self.foreground_threshold}",
        )


@dataclass(frozen=True)
class SegmentSettings:
    """What may be changed in how a model is used; a model's card holds its own."""

    looks: LookSettings = field(default_factory=LookSettings)
    clustering: ClusteringSettings = field(default_factory=ClusteringSettings)


@dataclass(frozen=True)
class NetSettings:
    """The embedding network (paper, section 4.3)."""

    encoder: str = "mobilenetv2_100"  # any timm encoder with features_only
    encoder_weights: str = "hub"  # "hub" (timm's ImageNet weights), "none" (random) or a .safetensors file
    freeze_encoder: bool = False
    decoder: Literal["light", "paper"] = "light"
    embedding_size: int = 16  # D; the paper has 32
    foreground_head: bool = True

    def __post_init__(self) -> None:
        _require(
            self.decoder in ("light", "paper"), f"net.decoder must be light or paper; it is {self.decoder!r}"
        )
        _require(
            self.embedding_size >= 1, f"net.embedding_size must be at least 1; it is {self.embedding_size}"
        )


@dataclass(frozen=True)
class LossSettings:
    """The discriminative loss (paper, equations 1 to 4)."""

    pull_margin: float = 0.5  # delta_v, embedding units
    push_margin: float = 1.5  # delta_d, half the distance kept between centers
    pull_weight: float = 1.0  # alpha
    push_weight: float = 1.0  # beta
    reg_weight: float = 0.001  # gamma
    background: bool = False  # the background is one more instance
    foreground_weight: float = 1.0  # of the foreground head's own loss

    def __post_init__(self) -> None:
        _require(self.pull_margin >= 0, f"loss.pull_margin must not be negative; it is {self.pull_margin}")
        _require(self.push_margin > 0, f"loss.push_margin must be positive; it is {self.push_margin}")


@dataclass(frozen=True)
class AugmentSettings:
    """Random views of a training photo; image and labels always share one geometry."""

    kind: Literal["zoom", "paper", "none"] = "zoom"
    smallest_view: float = 0.85  # side of the view, in sides of the square around the objects
    largest_view: float = 1.25
    whole_photo_share: float = 0.1  # of the views that show the whole photo instead, for the first look
    shift: float = 0.1  # of the view's side, largest move off the middle
    color: float = 0.3  # strength of brightness, contrast and saturation changes
    hue: float = 0.04  # of the colour circle

    def __post_init__(self) -> None:
        _require(
            self.kind in ("zoom", "paper", "none"),
            f"augment.kind must be zoom, paper or none; it is {self.kind!r}",
        )
        _require(
            0 < self.smallest_view <= self.largest_view,
            "augment.smallest_view must be positive and not above augment.largest_view",
        )


@dataclass(frozen=True)
class TrainingSettings:
    """The training loop."""

    epochs: int = 36
    batch_size: int = 4
    optimizer: Literal["adamw", "sgd"] = "adamw"
    schedule: Literal["one_cycle", "cyclic"] = "one_cycle"
    learning_rate: float = 2e-3  # the highest of the schedule
    lowest_learning_rate: float = 1e-6  # of the cyclic schedule
    half_cycle_epochs: int = 50  # of the cyclic schedule
    weight_decay: float = 1e-4
    averaging: float = 0.995  # decay of the running average of the weights; 0 switches it off
    synthetic_plants: int = 0  # drawn once and added to the training photos
    validation_share: float = 0.15  # of the photos, held back for validation where no split is given
    validate_every: int = 5  # epochs
    pictures: int = 4  # validation photos drawn at every validation
    patience: int = 0  # validations without a better SBD before an early stop; 0 never stops early
    workers: int = 0  # processes that load data; 0 loads in the training process
    seed: int = 0

    def __post_init__(self) -> None:
        _require(self.epochs >= 1, f"training.epochs must be at least 1; it is {self.epochs}")
        _require(self.batch_size >= 1, f"training.batch_size must be at least 1; it is {self.batch_size}")
        _require(
            self.optimizer in ("adamw", "sgd"),
            f"training.optimizer must be adamw or sgd; it is {self.optimizer!r}",
        )
        _require(
            self.schedule in ("one_cycle", "cyclic"),
            f"training.schedule must be one_cycle or cyclic; it is {self.schedule!r}",
        )
        _require(0 <= self.averaging < 1, f"training.averaging must lie in [0, 1); it is {self.averaging}")
        _require(
            0 <= self.validation_share < 1,
            f"training.validation_share must lie in [0, 1); it is {self.validation_share}",
        )


@dataclass(frozen=True)
class RunSettings:
    """All settings of a training run, one section each."""

    looks: LookSettings = field(default_factory=LookSettings)
    net: NetSettings = field(default_factory=NetSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    clustering: ClusteringSettings = field(default_factory=ClusteringSettings)

    def __post_init__(self) -> None:
        _require(
            self.net.foreground_head or self.loss.background,
            "without net.foreground_head the background must be an instance of its own: "
            "set loss.background=true",
        )
