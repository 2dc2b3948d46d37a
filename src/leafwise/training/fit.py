"""One training run: photos in, a model folder out."""

from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, WeightAveraging
from torch.utils.data import DataLoader

import leafwise
from leafwise.config import (
    NetSettings,
    PipelineSettings,
    RunSettings,
    TrainingSettings,
    from_dict,
    read_toml,
    to_toml,
)
from leafwise.datasets import Pair, Seen, Split
from leafwise.errors import DatasetError, SettingsError
from leafwise.imaging import make_folder, write_text
from leafwise.models import ModelCard, find_model, read_card, write_card
from leafwise.models.card import CARD_NAME
from leafwise.nets import EmbeddingNet, load_weights
from leafwise.training.callbacks import Pictures, running_average
from leafwise.training.cpu import strided_in_float32
from leafwise.training.logs import kept_metrics
from leafwise.training.model_folder import WEIGHTS_NAME, write_model
from leafwise.training.module import SCORES, EmbeddingModule
from leafwise.training.origin import START_NAME, refuse_other_photos, seen_by, start_of, write_split
from leafwise.training.photos import Photo, Views, read_photo, synthetic_photos
from leafwise.training.sampling import GroupSampler
from leafwise.training.trainer import (
    SETTINGS_NAME,
    TRAINED_BY,
    Hardware,
    checkpoint_to_resume,
    interruptible,
    make_trainer,
    quiet,
    refuse_second_run,
    run_callbacks,
)

CARD_NAMES = {
    "val_sbd": "sbd",
    "val_fbd": "fbd",
    "val_abs_dic": "mean_abs_dic",
}  # of scores, on a model's card
CHECKPOINTS = 100  # at most, of a training without validations


def train(
    training: Sequence[Pair],
    validation: Sequence[Pair],
    out: Path,
    settings: RunSettings,
    *,
    start: str | Path | None = None,
    resume: bool = False,
    hardware: Hardware = Hardware(),  # noqa: B008 frozen
) -> Path:
    """Train an embedding network and write it as a model folder, which is returned.

    Args:
        training: the pairs to learn from.
        validation: the pairs that choose the best epoch by SBD; with none, the last weights are kept.
        out: the run's folder: settings.toml, split.json, start.txt (where it has a start), logs/ (CSV and TensorBoard),
            pictures/, checkpoints/, model/.
        settings: all of the run's settings.
        start: a model's name or folder, whose weights the training starts from; a run that is resumed knows its own.
        resume: go on from the last checkpoint in `out`, if there is one, unless its model is there. The weights come
            out as if the run had not been stopped, but for what other processes draw (`training.workers`).
        hardware: what to train on.

    Seeds torch's and numpy's global random numbers.

    Raises DatasetError, SettingsError, ModelError and OutputError with what to do; ImageError and LabelMapError for
    a pair that cannot be read, LeafwiseError where the loss is no longer a number.
    """
    if not training:
        raise DatasetError("no photo to train on; give a data set with at least one pair")
    goes_on = resume and (out / SETTINGS_NAME).is_file()
    if goes_on:
        start = start_of(out, start)
    if settings.training.start_share > 0 and start is None:
        raise SettingsError(
            "training.start_share is of a model to start from; name it (--from), or set it to 0"
        )
    split = Split(tuple(training), tuple(validation))
    epochs = settings.training.epochs
    every = min(settings.training.validate_every, epochs) if validation else -(-epochs // CHECKPOINTS)
    with quiet():
        callbacks = _callbacks(out, settings, every, hardware, validated=bool(validation))
        trainer = make_trainer(out, epochs, callbacks, hardware, validate_every=every if validation else 1)
        if trainer.is_global_zero:
            _refuse_other_run(out, split, settings, resume=resume)
        if goes_on and (out / "model" / CARD_NAME).is_file():
            if trainer.is_global_zero:
                _use_as(out, settings)
            return out / "model"
        lightning.seed_everything(settings.training.seed, workers=True, verbose=False)
        module = EmbeddingModule(make_net(settings.net, start), settings)
        device = trainer.strategy.root_device
        shown = [read_photo(pair, settings) for pair in training] + synthetic_photos(settings)
        sampler = _sampler(training, settings.training)
        judged = [read_photo(pair, settings) for pair in validation]
        if trainer.is_global_zero:  # not before all is well: what is put right can be started anew
            _write_down(out, split, settings, start)
        last = checkpoint_to_resume(out, resume=resume)
        with (
            kept_metrics(out / "logs", writes=trainer.is_global_zero),
            interruptible(),
            strided_in_float32(module.net),
        ):
            trainer.fit(
                module,
                _loader(shown, settings, device, sampler),
                _loader(judged, settings, device) if judged else None,
                ckpt_path=last,
                weights_only=True,
            )
        scores = _take_best(module, out) if judged else {}
        if start is not None and settings.training.start_share > 0:
            mix_weights(module.net, make_net(settings.net, start), settings.training.start_share)
            scores = {}  # they are of the weights before
    if trainer.is_global_zero:
        card = _card(settings, module.net, out.name, len(training), scores, start)
        write_model(out / "model", module.net, card)
    return out / "model"


def _refuse_other_run(out: Path, split: Split, settings: RunSettings, *, resume: bool) -> None:
    refuse_second_run(out, settings, TRAINED_BY, resume=resume)
    if (out / SETTINGS_NAME).is_file():  # then it is resumed
        refuse_other_photos(out, split)


def _write_down(out: Path, split: Split, settings: RunSettings, start: str | Path | None) -> None:
    """What a run is of, settings last: where they are, all is."""
    make_folder(out)
    write_split(out, split, seed=settings.training.seed, seen=seen_by(start) if start else Seen())
    if start is not None:
        write_text(out / START_NAME, f"{find_model(start).absolute()}\n")
    write_text(out / SETTINGS_NAME, to_toml(settings))


def _sampler(training: Sequence[Pair], settings: TrainingSettings) -> GroupSampler:
    groups = [pair.group for pair in training]
    groups += [f"synthetic {i}" for i in range(settings.synthetic_plants)]
    return GroupSampler(groups, settings.plant_photos, least=settings.least_views, seed=settings.seed)


def _use_as(out: Path, settings: RunSettings) -> None:
    """Let the card of a finished run's model say what has changed in how it is used since the run's settings.toml."""
    before = from_dict(RunSettings, read_toml(out / SETTINGS_NAME), where=str(out / SETTINGS_NAME)).segment
    now = settings.segment
    sections = [
        field.name for field in fields(now) if getattr(now, field.name) != getattr(before, field.name)
    ]
    if sections:
        changed = {name: getattr(now, name) for name in sections}
        if "pipeline" in changed:
            changed["pipeline"] = _pipeline_of(settings)
        model = out / "model"
        write_card(replace(read_card(model), scores={}, **changed), model)  # scores were of the former use
        write_text(out / SETTINGS_NAME, to_toml(settings))


def make_net(settings: NetSettings, start: str | Path | None) -> EmbeddingNet:
    """A network of these settings, with the weights of the model `start` where one is given.

    Raises SettingsError where that model's network has another shape.
    """
    if start is None:
        return EmbeddingNet(settings)
    folder = find_model(start)
    theirs = read_card(folder).net
    shape = replace(settings, encoder_weights="none", freeze_encoder=False)
    if shape != replace(theirs, encoder_weights="none", freeze_encoder=False):
        raise SettingsError(
            f"{folder}: its network is {theirs}; give the same net settings, or train from scratch"
        )
    net = EmbeddingNet(replace(settings, encoder_weights="none"))
    load_weights(net, folder / WEIGHTS_NAME)
    return net


def mix_weights(net: EmbeddingNet, other: EmbeddingNet, share: float) -> None:
    """Take the mean of two networks' weights and statistics into the first, `share` of it the second's.

    Between a model and what it became by a little more training, it keeps much of what both know (Wortsman et al.
    2022, WiSE-FT).
    """
    theirs = other.state_dict()
    with torch.no_grad():
        for name, value in net.state_dict().items():
            if value.is_floating_point():
                value.lerp_(theirs[name].to(value), share)


def _loader(
    photos: list[Photo], settings: RunSettings, device: torch.device, sampler: GroupSampler | None = None
) -> DataLoader[Any]:
    """Random views in the order of a sampler, or all photos as they are, in their own.

    They are made on the network's device, unless processes of their own make them on CPUs.
    """
    training = settings.training
    return DataLoader(
        Views(photos, settings, random=sampler is not None, device="cpu" if training.workers else device),
        batch_size=min(training.batch_size, len(photos) if sampler is None else len(sampler)),
        sampler=sampler,
        drop_last=sampler is not None,
        num_workers=training.workers,
        persistent_workers=training.workers > 0,
        pin_memory=training.workers > 0 and device.type == "cuda",
        # of its own: else each iterator takes a global random number, one more after a resume
        generator=torch.Generator().manual_seed(training.seed),
    )


def _callbacks(
    out: Path, settings: RunSettings, every: int, hardware: Hardware, *, validated: bool
) -> list[Callback]:
    training = settings.training
    callbacks: list[Callback] = []
    if training.averaging > 0:  # Lightning would choose the device before the weights have moved to theirs
        device = hardware.kind if hardware.kind in ("cuda", "mps") else "cpu"
        callbacks.append(WeightAveraging(device, multi_avg_fn=running_average(training.averaging)))
    if validated and training.pictures > 0:
        callbacks.append(Pictures(out / "pictures", training.pictures))
    if validated and training.patience > 0:
        callbacks.append(EarlyStopping("val_sbd", patience=training.patience, mode="max"))
    best = "val_sbd" if validated else None
    return run_callbacks(out, training.seed, callbacks, every=every, best=best)


def _take_best(module: EmbeddingModule, out: Path) -> dict[str, float]:
    """Give the module the weights of its best validation; returns that validation's scores."""
    best = torch.load(out / "checkpoints" / "best.ckpt", weights_only=True, map_location="cpu")
    module.load_state_dict(best["state_dict"])
    scores: dict[str, float] = best[SCORES]
    return scores


def _card(
    settings: RunSettings,
    net: EmbeddingNet,
    name: str,
    n_photos: int,
    scores: dict[str, float],
    start: str | Path | None,
) -> ModelCard:
    before = read_card(find_model(start)) if start is not None else None
    synthetic = settings.training.synthetic_plants
    return ModelCard(
        name=name,
        leafwise_version=leafwise.__version__,
        stride=net.stride,
        trained_on=f"{n_photos} photos"
        + (f" and {synthetic} synthetic plants" if synthetic else "")
        + (f", from the weights of {before.name}: {before.trained_on}" if before else ""),
        licence=before.licence if before else "",
        looks=settings.looks,
        pipeline=_pipeline_of(settings),
        clustering=settings.clustering,
        refine=settings.refine,
        net=replace(settings.net, encoder_weights="none"),  # the model brings all its weights
        loss=settings.loss,
        scores={"validation": {CARD_NAMES[name]: value for name, value in scores.items()}} if scores else {},
    )


def _pipeline_of(settings: RunSettings) -> PipelineSettings:
    """The pipeline of a model without a ClusterNet, up to its step: one comes later, and brings that."""
    steps = takewhile(lambda step: step != "cluster_net", settings.pipeline.steps.split("+"))
    return PipelineSettings("+".join(steps))
