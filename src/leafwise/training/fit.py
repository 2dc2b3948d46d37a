"""One training run: photos in, a model folder out."""

import contextlib
import logging
import shutil
import signal
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint, WeightAveraging
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch.utils.data import DataLoader

import leafwise
from leafwise.config import NetSettings, RunSettings, to_toml
from leafwise.datasets import Folds, Pair, Split, write_folds
from leafwise.errors import DatasetError, OutputError, SettingsError
from leafwise.imaging import make_folder, write_text
from leafwise.models import ModelCard, find_model, read_card, write_card
from leafwise.models.network import EMBEDDING_NAME
from leafwise.nets import EmbeddingNet, export_onnx, load_weights, save_weights
from leafwise.training.callbacks import Pictures, RunProgress, StartingPoint, running_average
from leafwise.training.logs import kept_metrics
from leafwise.training.module import SCORES, EmbeddingModule
from leafwise.training.photos import Photo, Views, read_photo, synthetic_photos
from leafwise.training.precision import best_precision

WEIGHTS_NAME = "weights.safetensors"
SETTINGS_NAME = "settings.toml"
SPLIT_NAME = "split.json"


@dataclass(frozen=True)
class Hardware:
    """Lightning's own flags, handed on to its Trainer."""

    accelerator: str = "auto"  # cpu, cuda, mps
    devices: str = "auto"
    nodes: int = 1
    precision: str = "auto"  # auto: bfloat16 where the processor computes in it, else float32


def train(
    training: Sequence[Pair],
    validation: Sequence[Pair],
    out: Path,
    settings: RunSettings,
    *,
    start: str | Path | None = None,
    resume: bool = False,
    hardware: Hardware = Hardware(),
) -> Path:
    """Train an embedding network and write it as a model folder, which is returned.

    Args:
        training: the pairs to learn from.
        validation: the pairs that choose the best epoch by SBD; with none, the last weights are kept.
        out: the run's folder: settings.toml, split.json, logs/ (CSV and TensorBoard), pictures/, checkpoints/,
            model/.
        settings: all of the run's settings.
        start: a model's name or folder, whose weights the training starts from.
        resume: go on from the last checkpoint in `out`, if there is one.
        hardware: what to train on.

    Raises DatasetError, SettingsError, ModelError and OutputError with what to do.
    """
    if not training:
        raise DatasetError("no photo to train on; give a data set with at least one pair")
    with _quiet():
        trainer = _trainer(out, settings, hardware, validate=bool(validation))
        if trainer.is_global_zero:
            _refuse_second_run(out, resume=resume)
        lightning.seed_everything(settings.training.seed, workers=True, verbose=False)
        module = EmbeddingModule(make_net(settings.net, start), settings)
        shown = [read_photo(pair, settings) for pair in training] + synthetic_photos(settings)
        judged = [read_photo(pair, settings) for pair in validation]
        if trainer.is_global_zero:  # not before all is well: what is put right can be started anew
            _write_down(out, settings, Split(tuple(training), tuple(validation)))
        last = out / "checkpoints" / "last.ckpt"
        with kept_metrics(out / "logs", writes=trainer.is_global_zero), _interruptible():
            trainer.fit(
                module,
                _loader(shown, settings, random=True),
                _loader(judged, settings, random=False) if judged else None,
                ckpt_path=last if resume and last.is_file() else None,
                weights_only=True,
            )
        scores = _take_best(module, out) if judged else {}
    if trainer.is_global_zero:
        card = _card(settings, module.net, out.name, len(training), scores)
        write_model(out / "model", module.net, card)
    return out / "model"


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


def write_model(folder: Path, net: EmbeddingNet, card: ModelCard) -> Path:
    """Write a network as a model folder: all of it, or nothing. Returns the folder."""
    unfinished = folder.with_name(folder.name + ".tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(parents=True)
        save_weights(net, unfinished / WEIGHTS_NAME)
        export_onnx(net, unfinished / EMBEDDING_NAME, input_size=card.looks.input_size)
        write_card(card, unfinished)
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
    except OSError as error:
        raise OutputError(
            f"{folder}: the model cannot be written ({error}); check space and rights"
        ) from error
    return folder


def _refuse_second_run(out: Path, *, resume: bool) -> None:
    if (out / SETTINGS_NAME).exists() and not resume:
        raise OutputError(
            f"{out}: holds a training run already; add --resume to go on with it, or name another"
        )


def _write_down(out: Path, settings: RunSettings, split: Split) -> None:
    make_folder(out)
    groups = [{pair.group for pair in part} for part in (split.train, split.validation)]
    by_group = groups[0].isdisjoint(groups[1])
    write_folds(out / SPLIT_NAME, Folds(settings.training.seed, by_group, (split,)))
    write_text(out / SETTINGS_NAME, to_toml(settings))


def _loader(photos: list[Photo], settings: RunSettings, *, random: bool) -> DataLoader[Any]:
    training = settings.training
    return DataLoader(
        Views(photos, settings, random=random),
        batch_size=min(training.batch_size, len(photos)),
        shuffle=random,
        drop_last=random,
        num_workers=training.workers,
        persistent_workers=training.workers > 0,
    )


def _trainer(out: Path, settings: RunSettings, hardware: Hardware, *, validate: bool) -> lightning.Trainer:
    training = settings.training
    every = min(training.validate_every, training.epochs) if validate else 1
    kept = partial(
        ModelCheckpoint, out / "checkpoints", every_n_epochs=every, enable_version_counter=False, mode="max"
    )
    callbacks: list[Callback] = [
        RunProgress(),
        StartingPoint(out / "checkpoints" / "last.ckpt"),
        *([kept(filename="best", monitor="val_sbd")] if validate else []),
        kept(filename="last"),  # its own save_last writes no other epochs than the best
    ]
    if training.averaging > 0:
        callbacks.append(WeightAveraging(avg_fn=running_average(training.averaging)))
    if validate and training.pictures > 0:
        callbacks.append(Pictures(out / "pictures", training.pictures))
    if validate and training.patience > 0:
        callbacks.append(EarlyStopping("val_sbd", patience=training.patience, mode="max"))
    kind = _accelerator(hardware.accelerator)
    try:
        return lightning.Trainer(
            accelerator=kind,
            devices=hardware.devices,
            num_nodes=hardware.nodes,
            precision=best_precision(kind) if hardware.precision == "auto" else hardware.precision,  # type: ignore[arg-type]
            max_epochs=training.epochs,
            check_val_every_n_epoch=every,
            num_sanity_val_steps=0,
            logger=[CSVLogger(out, name="", version="logs"), TensorBoardLogger(out, name="", version="logs")],
            log_every_n_steps=1,
            callbacks=callbacks,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
    except (MisconfigurationException, TypeError, ValueError) as error:
        raise SettingsError(f"{hardware} cannot be: {' '.join(str(error).split())}") from error


def _accelerator(name: str) -> str:
    if name != "auto":
        return name
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _take_best(module: EmbeddingModule, out: Path) -> dict[str, float]:
    """Give the module the weights of its best validation; returns that validation's scores."""
    best = torch.load(out / "checkpoints" / "best.ckpt", weights_only=True, map_location="cpu")
    module.load_state_dict(best["state_dict"])
    scores: dict[str, float] = best[SCORES]
    return scores


def _card(
    settings: RunSettings, net: EmbeddingNet, name: str, n_photos: int, scores: dict[str, float]
) -> ModelCard:
    synthetic = settings.training.synthetic_plants
    return ModelCard(
        name=name,
        leafwise_version=leafwise.__version__,
        stride=net.stride,
        trained_on=f"{n_photos} photos" + (f" and {synthetic} synthetic plants" if synthetic else ""),
        looks=settings.looks,
        clustering=settings.clustering,
        net=replace(settings.net, encoder_weights="none"),  # the model brings all its weights
        loss=settings.loss,
        scores={"validation": scores} if scores else {},
    )


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Lightning ends Python at Ctrl-C, and has any further one ignored: bring back the exception, and Ctrl-C."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as stop:
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from stop


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Lightning's advice on data loaders and logging steps says nothing to our users."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning.*")
        warnings.filterwarnings("ignore", module="torch.*")
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
