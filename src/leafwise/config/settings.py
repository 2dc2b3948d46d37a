"""The settings of every step, with their units and their only default values."""

from dataclasses import dataclass, field
from typing import Literal

from leafwise.errors import SettingsError


def _require(condition: bool, message: str) -> None:  # noqa: FBT001
    if not condition:
        raise SettingsError(message)


def _require_at_least(lowest: float, settings: object, *names: str) -> None:
    for name in names:
        value = getattr(settings, name)
        what = f"be at least {lowest}" if lowest else "not be negative"
        _require(value >= lowest, f"{name} must {what}; it is {value}")


def _require_share(settings: object, *names: str) -> None:
    for name in names:
        value = getattr(settings, name)
        _require(0 <= value <= 1, f"{name} must lie between 0 and 1; it is {value}")


@dataclass(frozen=True)
class LookSettings:
    """How photos are looked at: first whole, then one square for each plant; or in tiles of one size."""

    input_size: int = 384  # pixels, side of the square that the network sees of a plant
    first_size: int = 768  # pixels, largest side of the first look; smaller photos are seen as they are
    glance_size: int = 256  # pixels; a look before it, enough for one plant of half the photo's side; 0: none
    turns: int = 1  # looks at a plant, turned and mirrored, where the first two disagree; 1, 3, 5 or 7
    agreement: float = 0.9  # SBD of the first two turns' leaves, from which a plant needs no more of them
    largest_zoom: int = 8  # of the first look at small plants in a large photo, tile by tile; 1: none
    tile_side: int = 0  # photo pixels; larger plants, or all of one_plant's photos, are seen in such tiles
    margin: float = 0.08  # of the plant's extent, added to its square on every side
    one_plant: bool = False  # take everything in a photo as one plant
    stretch: bool = False  # the photo's darkest 1 % become black, its brightest 0.2 % white: for microscopy
    plant_gap: float = 0.05  # of a piece's extent; much smaller pieces closer than this belong to its plant
    photo_gap: float = 0.02  # of the side of one look, added to that: what the first look does not see
    smallest_plant: float = 0.015  # of the largest plant's area; anything smaller is not a plant
    smallest_piece: float = 0.02  # of a square's largest piece of foreground; smaller ones are moss or noise
    doubt: float = 0.1  # median probability; what has so much less than the largest plant is none

    def __post_init__(self) -> None:
        _require(
            self.input_size >= 32 and self.input_size % 32 == 0,
            f"input_size must be a multiple of 32, at least 32; it is {self.input_size}",
        )
        _require(
            self.first_size >= self.input_size and self.first_size % 32 == 0,
            f"first_size must be a multiple of 32, not below input_size; it is {self.first_size}",
        )
        _require(
            self.glance_size >= 0 and self.glance_size % 32 == 0,
            f"glance_size must be a multiple of 32, or 0; it is {self.glance_size}",
        )
        _require(
            self.turns in {1, 3, 5, 7},
            f"turns must be 1, 3, 5 or 7, so that most of them are more than half; it is {self.turns}",
        )
        _require(
            self.tile_side == 0 or self.tile_side >= 32,
            f"tile_side must be at least 32, or 0; it is {self.tile_side}",
        )
        _require_at_least(0, self, "margin", "plant_gap", "photo_gap")
        _require_at_least(1, self, "largest_zoom")
        _require_share(self, "agreement", "smallest_plant", "smallest_piece", "doubt")

    @property
    def in_tiles(self) -> bool:
        """Whether all of a photo is seen in tiles, without a first look: objects that lie all over it, at one scale."""
        return self.one_plant and self.tile_side > 0


CLUSTERINGS = ("seeded", "mean_shift", "hdbscan", "sklearn_hdbscan", "fast_hdbscan")
REFINEMENTS = ("mrf", "cluster_net")
PAPER_PIPELINES = (  # rows 1 to 6 of the paper's Table 1 (section 6.2)
    "hdbscan",
    "hdbscan+mrf",
    "hdbscan+cluster_net",
    "hdbscan+mrf+cluster_net",
    "hdbscan+cluster_net+mrf",
    "hdbscan+mrf+cluster_net+mrf",
)


@dataclass(frozen=True)
class PipelineSettings:
    """The steps from embeddings to leaves (paper, section 6.2): a clustering, then any refinements, in order."""

    steps: str = "seeded"  # joined by +, for example hdbscan+mrf+cluster_net

    def __post_init__(self) -> None:
        first, *others = self.steps.split("+")
        _require(
            first in CLUSTERINGS and all(step in REFINEMENTS for step in others),
            f"pipeline.steps must be one of {', '.join(CLUSTERINGS)}, then any of {', '.join(REFINEMENTS)}, "
            f"joined by +, for example {PAPER_PIPELINES[3]}; it is {self.steps!r}",
        )

    @property
    def clustering(self) -> str:
        """The first step."""
        return self.steps.split("+")[0]

    @property
    def refinements(self) -> tuple[str, ...]:
        """The steps after it."""
        return tuple(self.steps.split("+")[1:])


@dataclass(frozen=True)
class ClusteringSettings:
    """Clusterings of pixel embeddings: HDBSCAN (paper, section 3.2) and greedy seeds.

    Sizes are in pixels of the network's own grid, distances in embedding units.
    """

    min_cluster_size: int = 20  # pixels; smaller groups are not leaves
    min_samples: int = 20  # pixels; HDBSCAN: neighbours that make a core pixel; 0 is min_cluster_size
    split_distance: float = 0.0  # HDBSCAN: clusters closer than this are not split; embedding units
    pixel_step: int = 1  # HDBSCAN: every n-th pixel along each axis is clustered, the others follow
    merge_distance: float = 1.25  # HDBSCAN on a foreground: clusters with closer centers are one instance
    min_core_size: int = 8  # pixels with all four neighbours; seeds with fewer are borders, not leaves
    steepest: float = 8.0  # seeds: embedding units in a usual instance's side; steeper are borders; 0: any
    density_radius: float = 0.5  # seeds: pixels within it make a place dense
    seed_radius: float = 1.75  # seeds: pixels within it are the seed's; a little more than delta_d
    border_shift: float = 0.3  # share of the pull term's favour for small instances that borders undo, 0 to 1
    foreground_threshold: float = 0.5  # probability from which a pixel belongs to a plant

    def __post_init__(self) -> None:
        _require_at_least(2, self, "min_cluster_size")
        _require_at_least(1, self, "pixel_step")
        _require_at_least(
            0, self, "min_samples", "split_distance", "merge_distance", "min_core_size", "steepest"
        )
        _require_share(self, "border_shift")
        _require(
            self.density_radius > 0 and self.seed_radius > 0,
            "density_radius and seed_radius must be positive",
        )
        _require(
            0 < self.foreground_threshold < 1,
            f"foreground_threshold must lie between 0 and 1; it is {self.foreground_threshold}",
        )


@dataclass(frozen=True)
class RefineSettings:
    """What follows the clustering: MRF (paper, section 3.3), ClusterNet's masks and their merging (3.4)."""

    mrf_solver: Literal["icm", "min_cut"] = "icm"  # iterated conditional modes, or the exact minimum
    mrf_data_weight: float = 7.0  # of a pixel that keeps its label
    mrf_smoothness_weight: float = 10.0  # of two neighbours that agree
    mrf_reduction: int = 1  # the label map is reduced by this before the MRF; the authors have 2
    merge: Literal["size", "likelihood"] = "likelihood"  # larger over smaller (paper), or the most likely
    mask_threshold: float = 0.5  # probability from which a pixel belongs to a mask of ClusterNet

    def __post_init__(self) -> None:
        _require(
            self.mrf_solver in ("icm", "min_cut"),
            f"mrf_solver must be icm or min_cut; it is {self.mrf_solver!r}",
        )
        _require(
            self.merge in ("size", "likelihood"),
            f"merge must be size or likelihood; it is {self.merge!r}",
        )
        _require_at_least(0, self, "mrf_data_weight", "mrf_smoothness_weight")
        _require_at_least(1, self, "mrf_reduction")
        _require(
            0 < self.mask_threshold < 1,
            f"mask_threshold must lie between 0 and 1; it is {self.mask_threshold}",
        )


@dataclass(frozen=True)
class SegmentSettings:
    """What may be changed in how a model is used; a model's card holds its own."""

    looks: LookSettings = field(default_factory=LookSettings)
    pipeline: PipelineSettings = field(default_factory=PipelineSettings)
    clustering: ClusteringSettings = field(default_factory=ClusteringSettings)
    refine: RefineSettings = field(default_factory=RefineSettings)


@dataclass(frozen=True)
class NetSettings:
    """The embedding network (paper, section 4.3)."""

    encoder: str = "mobilenetv2_100"  # any timm encoder with features_only
    encoder_weights: str = "hub"  # "hub" (timm's ImageNet weights), "none" (random) or a .safetensors file
    freeze_encoder: bool = False
    decoder: Literal["light", "paper"] = "light"
    decoder_width: float = 1.0  # channels of the light decoder, in its own 128, 96, 64 and 48
    embedding_size: int = 16  # D; the paper has 32
    foreground_head: bool = True

    def __post_init__(self) -> None:
        _require(
            self.decoder in ("light", "paper"), f"decoder must be light or paper; it is {self.decoder!r}"
        )
        _require_at_least(0.25, self, "decoder_width")
        _require_at_least(1, self, "embedding_size")
        _require(
            self.decoder == "light" or self.decoder_width == 1,
            f"decoder_width is of the light decoder; leave it at 1 with the paper's, not {self.decoder_width}",
        )


@dataclass(frozen=True)
class LossSettings:
    """The discriminative loss (paper, equations 1 to 4), its edge term and pixel weights (3.1.1, 3.1.2)."""

    pull_margin: float = 0.5  # delta_v, embedding units
    push_margin: float = 1.5  # delta_d, half the distance kept between centers
    pull_weight: float = 1.0  # alpha
    push_weight: float = 1.0  # beta
    reg_weight: float = 0.001  # gamma
    edge_weight: float = 0.0  # psi; 0 leaves the edge term out
    edge_pixels: int = 200  # P, boundary pixels drawn of each instance in every step
    edge_hinge: Literal["printed", "authors"] = "printed"  # 4 (delta_d - delta_v), or the authors' own half
    pixel_weights: Literal["uniform", "key_points", "border"] = "uniform"  # w_i
    background: bool = False  # the background is one more instance
    overlap_weight: float = 2.0  # of 1 - soft Dice of the masks that nearest means give; 0 leaves it out
    foreground_weight: float = 1.0  # of the foreground head's own loss

    def __post_init__(self) -> None:
        weights = ("pull", "push", "reg", "edge", "overlap", "foreground")
        _require_at_least(0, self, "pull_margin", *(f"{name}_weight" for name in weights))
        _require_at_least(1, self, "edge_pixels")
        _require(self.push_margin > 0, f"push_margin must be positive; it is {self.push_margin}")
        _require(
            self.edge_hinge in ("printed", "authors"),
            f"edge_hinge must be printed or authors; it is {self.edge_hinge!r}",
        )
        _require(
            self.pixel_weights in ("uniform", "key_points", "border"),
            f"pixel_weights must be uniform, key_points or border; it is {self.pixel_weights!r}",
        )
        _require(
            self.edge_weight == 0 or self.push_margin > self.pull_margin,
            "the edge term needs loss.push_margin above loss.pull_margin",
        )


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
    laid_share: float = 0.0  # of the views of kind zoom: they get more leaves, over and under their own
    most_laid: int = 3  # leaves, in one view
    distractor_share: float = 0.0  # of the views of kind zoom: smooth green shapes lie beside the plant
    most_distractors: int = 3  # in one view
    vein_share: float = 0.0  # of the views of kind zoom: midribs and their branches are drawn on all leaves
    background_share: float = 0.0  # of the views of kind zoom: the plant is on made-up ground
    camera_share: float = 0.0  # of the views of kind zoom: as another camera might show them

    def __post_init__(self) -> None:
        _require(
            self.kind in ("zoom", "paper", "none"),
            f"kind must be zoom, paper or none; it is {self.kind!r}",
        )
        _require_share(
            self,
            *("color", "whole_photo_share", "laid_share", "distractor_share", "vein_share"),
            *("background_share", "camera_share"),
        )
        _require(0 <= self.hue <= 0.5, f"hue must lie between 0 and 0.5; it is {self.hue}")
        _require_at_least(0, self, "shift")
        _require_at_least(1, self, "most_laid", "most_distractors")
        _require(
            0 < self.smallest_view <= self.largest_view,
            "smallest_view must be positive and not above largest_view",
        )


@dataclass(frozen=True)
class OptimizerSettings:
    """How long and in which steps a network learns."""

    epochs: int = 36
    batch_size: int = 2
    optimizer: Literal["adamw", "muon", "sgd"] = "muon"  # muon and sgd with Nesterov momentum
    schedule: Literal["one_cycle", "cyclic", "multi_step"] = "one_cycle"
    learning_rate: float = 2e-3  # the highest of the schedule
    warm_up: float = 0.1  # share of the one-cycle schedule in which the rate rises
    lowest_learning_rate: float = 1e-6  # of the cyclic schedule
    half_cycle_epochs: int = 50  # of the cyclic schedule
    milestones: tuple[int, ...] = (350, 1200, 2500)  # epochs after which multi_step divides the rate by 10
    weight_decay: float = 1e-4
    seed: int = 0

    def __post_init__(self) -> None:
        for name, allowed in (
            ("optimizer", ("adamw", "muon", "sgd")),
            ("schedule", ("one_cycle", "cyclic", "multi_step")),
        ):
            value = getattr(self, name)
            _require(value in allowed, f"{name} must be one of {', '.join(allowed)}; it is {value!r}")
        _require_at_least(1, self, "epochs", "batch_size", "half_cycle_epochs")
        _require_at_least(0, self, "weight_decay", "seed", "lowest_learning_rate")
        _require(self.seed < 1 << 32, f"seed must be below {1 << 32}; it is {self.seed}")
        _require(all(epoch >= 1 for epoch in self.milestones), "milestones must be epochs, from 1 on")
        _require(0 < self.warm_up < 1, f"warm_up must lie between 0 and 1; it is {self.warm_up}")
        _require(self.learning_rate > 0, f"learning_rate must be positive; it is {self.learning_rate}")
        _require(
            self.schedule != "cyclic" or self.lowest_learning_rate <= self.learning_rate,
            f"lowest_learning_rate must not be above learning_rate; it is {self.lowest_learning_rate}",
        )


@dataclass(frozen=True)
class TrainingSettings(OptimizerSettings):
    """The training of the embedding network."""

    averaging: float = 0.995  # decay of the running average of the weights; 0 switches it off
    synthetic_plants: int = 0  # drawn once and added to the training photos
    plant_photos: int = 0  # of one plant, the most that an epoch shows, drawn anew each time; 0: all
    least_views: int = 80  # of an epoch: fewer photos are drawn several times
    start_share: float = (
        0.0  # of the weights of the model that a training went on from, in those that it ends with
    )
    settle_norms: float = 0.4  # share of the training, its end, in which batch norms keep their statistics
    grow_from: int = 256  # pixels, side of the first views, if looks.input_size is larger; 0: full at once
    validation_share: float = 0.15  # of the photos, held back for validation where no split is given
    validate_every: int = 5  # epochs
    pictures: int = 4  # validation photos drawn at every validation
    patience: int = 0  # validations without a better SBD before an early stop; 0 never stops early
    workers: int = 0  # processes that make views, on CPUs; 0: the training process does, on its device

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_at_least(
            0,
            self,
            *("synthetic_plants", "plant_photos", "least_views", "pictures", "patience", "workers"),
        )
        _require_at_least(1, self, "validate_every")
        _require_share(self, "settle_norms")
        _require(
            self.grow_from >= 0 and self.grow_from % 32 == 0,
            f"grow_from must be a multiple of 32, or 0; it is {self.grow_from}",
        )
        _require(
            0 <= self.start_share < 1,
            f"start_share must lie in [0, 1); it is {self.start_share}",
        )
        _require(0 <= self.averaging < 1, f"averaging must lie in [0, 1); it is {self.averaging}")
        _require(
            0 <= self.validation_share < 1,
            f"validation_share must lie in [0, 1); it is {self.validation_share}",
        )


@dataclass(frozen=True)
class ClusterNetSettings(OptimizerSettings):
    """ClusterNet (paper, section 4.4, figures 3 and 4) and its training on likelihood images (section 5.2)."""

    epochs: int = 6
    batch_size: int = 8  # likelihood images
    optimizer: Literal["adamw", "muon", "sgd"] = "adamw"
    learning_rate: float = 5e-3
    warm_up: float = 0.3
    weight_decay: float = 1e-3
    width: int = 8  # channels of its first block; the paper has 64
    window: int = 96  # grid pixels, side of what is seen around each segment in training; 0 is all (paper)
    means: Literal["leaves", "clusters", "both"] = (
        "both"  # means of true leaves (paper), of clusters, or both
    )
    positive_weight: float = 1.0  # of leaf pixels in the loss; the paper has 105; 0 measures it in the data

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_at_least(1, self, "width")
        _require_at_least(0, self, "positive_weight")
        _require(
            self.window >= 0 and self.window % 16 == 0,
            f"window must be a multiple of 16, or 0; it is {self.window}",
        )
        _require(
            self.means in ("leaves", "clusters", "both"),
            f"means must be leaves, clusters or both; it is {self.means!r}",
        )


@dataclass(frozen=True)
class RunSettings:
    """All settings of a training run, one section each."""

    looks: LookSettings = field(default_factory=LookSettings)
    net: NetSettings = field(default_factory=NetSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    cluster_net: ClusterNetSettings = field(default_factory=ClusterNetSettings)
    pipeline: PipelineSettings = field(default_factory=PipelineSettings)
    clustering: ClusteringSettings = field(default_factory=ClusteringSettings)
    refine: RefineSettings = field(default_factory=RefineSettings)

    @property
    def segment(self) -> SegmentSettings:
        """What a model that is trained with these settings is used with."""
        return SegmentSettings(self.looks, self.pipeline, self.clustering, self.refine)

    def __post_init__(self) -> None:
        _require(
            self.net.foreground_head or self.loss.background,
            "without net.foreground_head the background must be an instance of its own: "
            "set loss.background=true",
        )
        _require(
            self.net.foreground_head or self.looks.tile_side == 0,
            "without net.foreground_head there is one look at the whole photo: set looks.tile_side=0",
        )
        _require(
            self.augment.kind == "zoom" or not self.looks.in_tiles,
            "photos in tiles (looks.one_plant, looks.tile_side) are learnt from by augment.kind=zoom alone",
        )
