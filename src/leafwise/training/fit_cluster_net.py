"""One training run of ClusterNet: a model and photos in, the model with a ClusterNet out."""

import math
from collections.abc import Sequence
from pathlib import Path

import lightning
import numpy as np
import tomli_w
import torch
from rich.console import Console
from rich.progress import Progress
from torch.utils.data import DataLoader

from leafwise.config import ClusterNetSettings, RunSettings, to_dict
from leafwise.datasets import Pair, Split
from leafwise.errors import DatasetError, ModelError
from leafwise.imaging import digest_of, make_folder, write_text
from leafwise.models import EMBEDDING_NAME, Model, load_model
from leafwise.nets import ClusterNet
from leafwise.training.cluster_module import ClusterModule
from leafwise.training.logs import kept_metrics
from leafwise.training.model_folder import add_cluster_net
from leafwise.training.origin import (
    EMBEDDINGS_NAME,
    refuse_other_embeddings,
    refuse_other_photos,
    seen_by,
    write_split,
)
from leafwise.training.photos import read_photo
from leafwise.training.sampling import GroupSampler
from leafwise.training.segments import Segments, SegmentSet, make_segments
from leafwise.training.trainer import (
    SETTINGS_NAME,
    Hardware,
    checkpoint_to_resume,
    interruptible,
    make_trainer,
    quiet,
    refuse_second_run,
    run_callbacks,
)

SMALLEST_SHARE = 1e-6  # of leaf pixels: no data set has less, but a ghost's mask is empty


def train_cluster_net(
    pairs: Sequence[Pair],
    model: str | Path,
    out: Path,
    settings: ClusterNetSettings,
    *,
    others: Sequence[tuple[Path, Sequence[Pair]]] = (),
    resume: bool = False,
    hardware: Hardware = Hardware(),  # noqa: B008 frozen
) -> Path:
    """Train a ClusterNet for a model's embeddings; returns the folder of the model with it, `out`/model.

    Args:
        pairs: photos with their truth, better not those that the embeddings were trained on (paper, section 5.2).
        model: a model's name or folder; its own looks, clustering and foreground make the likelihood images.
        out: the run's folder: settings.toml, split.json, embeddings.txt, logs/, checkpoints/, model/.
        settings: the net's width, its training set and its training.
        others: more models of the same grid, each with photos of its own, to learn from too: those of a
            cross-validation with the photos that each has not seen. For a likelihood image knows distances alone.
        resume: go on from the last checkpoint in `out`, if there is one.
        hardware: what to train on.

    Raises DatasetError, ModelError, SettingsError and OutputError with what to do; ImageError and LabelMapError for
    a pair that cannot be read, LeafwiseError where the loss is no longer a number.
    """
    loaded = load_model(model)
    sources = [(loaded.folder, pairs), *others] if pairs else list(others)
    shown = [pair for _, its in sources for pair in its]
    if not shown:
        raise DatasetError("no photo to train ClusterNet on; give a data set with at least one pair")
    split = Split(tuple(shown), ())
    with quiet():
        trainer = make_trainer(out, settings.epochs, run_callbacks(out, settings.seed), hardware)
        if trainer.is_global_zero:
            refuse_second_run(out, RunSettings(cluster_net=settings), ("cluster_net",), resume=resume)
            if (out / SETTINGS_NAME).is_file():  # then it is resumed
                refuse_other_photos(out, split)
                refuse_other_embeddings(out, loaded.folder)
        lightning.seed_everything(settings.seed, workers=True, verbose=False)
        segments = _segments_of_all(loaded, sources, settings)
        positive_weight = positive_weight_of(segments, settings)
        net = ClusterNet(settings.width)
        start_constant(net, float(segments.masks.mean()), positive_weight)
        module = ClusterModule(net, settings, positive_weight)
        if trainer.is_global_zero:
            make_folder(out)
            write_split(out, split, seed=settings.seed, seen=seen_by(model))
            write_text(out / EMBEDDINGS_NAME, f"{digest_of(loaded.folder / EMBEDDING_NAME)}\n")
            write_text(out / SETTINGS_NAME, tomli_w.dumps({"cluster_net": to_dict(settings)}))
        batch_size = min(settings.batch_size, len(segments.masks))
        order = GroupSampler(["segment"] * len(segments.masks), 0, seed=settings.seed)
        loader = DataLoader(
            SegmentSet(segments),
            batch_size,
            sampler=order,
            drop_last=True,
            generator=torch.Generator().manual_seed(settings.seed),
        )
        last = checkpoint_to_resume(out, resume=resume)
        with kept_metrics(out / "logs", writes=trainer.is_global_zero), interruptible():
            trainer.fit(module, loader, ckpt_path=last, weights_only=True)
    folder = out / "model"
    if trainer.is_global_zero:
        add_cluster_net(module.net, loaded.folder, folder)
    return folder


def _segments_of_all(
    own: Model, sources: Sequence[tuple[Path, Sequence[Pair]]], settings: ClusterNetSettings
) -> Segments:
    models = [load_model(folder) for folder, _ in sources]
    if len({(model.card.looks.input_size, model.card.stride) for model in models}) > 1:
        raise ModelError("the models see photos at different sizes; give models of one looks.input_size")
    if len({model.card.net.foreground_head for model in [own, *models]}) > 1:
        raise ModelError(
            "some of the models know a foreground and some do not; give models of one kind of network"
        )
    parts = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("likelihood images", total=sum(len(pairs) for _, pairs in sources))
        for model, (_, pairs) in zip(models, sources, strict=True):
            photos = [read_photo(pair, RunSettings(looks=model.card.looks)) for pair in pairs]
            parts.append(make_segments(photos, model, settings, lambda: progress.advance(task)))
    segments = Segments(*(np.concatenate(kind) for kind in zip(*parts, strict=True)))
    if not len(segments.masks):
        raise DatasetError(
            f"{sources[0][0]}: the model sees no leaf on the photos for ClusterNet; train the model further first"
        )
    return segments


def start_constant(net: ClusterNet, share: float, positive_weight: float) -> None:
    """Let a new network begin near the best constant answer: a tenth of the training would go on finding it.

    `share` is that of leaf pixels among all.
    """
    odds = positive_weight * share / max(1 - share, SMALLEST_SHARE)
    with torch.no_grad():
        net.last.bias.fill_(math.log(max(odds, SMALLEST_SHARE)))  # type: ignore[union-attr]


def positive_weight_of(segments: Segments, settings: ClusterNetSettings) -> float:
    """The weight of leaf pixels in the loss: as it is set, or measured, other pixels for each leaf pixel.

    The paper measured 105 in its likelihood images.
    """
    if settings.positive_weight > 0:
        return settings.positive_weight
    share = float(segments.masks.mean())
    return (1 - share) / max(share, SMALLEST_SHARE)
