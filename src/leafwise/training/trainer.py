"""Lightning's Trainer as leafwise uses it: for both networks, resumable, quiet, and ended by Ctrl-C."""

import contextlib
import logging
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
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from leafwise.config import RunSettings, from_dict, read_toml, to_dict
from leafwise.errors import OutputError, SettingsError
from leafwise.training.callbacks import BothEnds, EpochSeeds, MovableCheckpoint, RunProgress, ValidatedLast
from leafwise.training.cpu import keep_memory
from leafwise.training.precision import best_precision

SETTINGS_NAME = "settings.toml"
TRAINED_BY = ("looks", "net", "loss", "augment", "training")  # sections: an EmbeddingNet's weights
TRAINING_LOOKS = ("input_size", "margin", "stretch", "tile_side")  # of `looks`: training sees plants so, too
FREE = ("workers", "pictures")  # of `training`: what a run that is resumed may change


@dataclass(frozen=True)
class Hardware:
    """Lightning's own flags, handed on to its Trainer."""

    accelerator: str = "auto"  # cpu, cuda, mps; auto: the fastest there is
    devices: str = "auto"
    nodes: int = 1
    precision: str = "auto"  # auto: bfloat16 where the processor computes in it, else float32

    @property
    def kind(self) -> str:
        """The accelerator, `auto` looked up."""
        if self.accelerator not in ("auto", "gpu"):
            return self.accelerator
        if torch.cuda.is_available():
            return "cuda"
        if torch.backends.mps.is_available():
            return "mps"
        return "cpu" if self.accelerator == "auto" else self.accelerator  # which Lightning refuses


def make_trainer(
    out: Path, epochs: int, callbacks: list[Callback], hardware: Hardware, *, validate_every: int = 1
) -> lightning.Trainer:
    """A trainer that logs into `out`/logs. Raises SettingsError for hardware that cannot be had."""
    kind = hardware.kind
    if kind == "cpu":
        keep_memory()
    try:
        return lightning.Trainer(
            accelerator=kind,
            devices=hardware.devices,
            num_nodes=hardware.nodes,
            precision=best_precision(kind) if hardware.precision == "auto" else hardware.precision,  # type: ignore[arg-type]
            max_epochs=epochs,
            check_val_every_n_epoch=validate_every,
            num_sanity_val_steps=0,
            logger=[CSVLogger(out, name="", version="logs"), TensorBoardLogger(out, name="", version="logs")],
            log_every_n_steps=1,
            callbacks=callbacks,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
    except (MisconfigurationException, TypeError, ValueError) as error:
        raise SettingsError(f"{hardware} cannot be: {' '.join(str(error).split())}") from error


def run_callbacks(
    out: Path, seed: int, more: Sequence[Callback] = (), *, every: int = 1, best: str | None = None
) -> list[Callback]:
    """A progress bar, seeds, `more`, and checkpoints.

    With a metric `best` to judge by, the best and the last are kept at each validation; without, the last after
    every so many epochs.
    """
    kept = partial(MovableCheckpoint, out / "checkpoints", enable_version_counter=False, mode="max")
    return [
        RunProgress(),
        EpochSeeds(seed),
        *more,
        *([ValidatedLast(), kept(filename="best", monitor=best)] if best else []),
        # its own save_last writes no other epochs than the best
        kept(filename="last", every_n_epochs=1 if best else every),
        BothEnds(last_checkpoint(out)),
    ]


def last_checkpoint(out: Path) -> Path:
    """Where a run's last checkpoint is, once there is one."""
    return out / "checkpoints" / "last.ckpt"


def checkpoint_to_resume(out: Path, *, resume: bool) -> Path | None:
    """The checkpoint that a run goes on from, if it does. Raises OutputError where that is damaged."""
    path = last_checkpoint(out)
    if not resume or not path.is_file():
        return None
    try:
        torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:
        raise OutputError(f"{path}: damaged or cut short; remove it, and the run begins anew") from error
    return path


def what_trains(settings: RunSettings, sections: Sequence[str]) -> dict[str, Any]:
    """Of some sections the settings that a training depends on, each under section.name."""
    if not settings.looks.in_tiles:  # then training knows no tiles
        settings = replace(settings, looks=replace(settings.looks, tile_side=0))
    tables = to_dict(settings)
    return {
        f"{section}.{name}": value
        for section in sections
        for name, value in tables[section].items()
        if not (section == "training" and name in FREE)
        and not (section == "looks" and name not in TRAINING_LOOKS)
    }


def refuse_second_run(out: Path, settings: RunSettings, sections: Sequence[str], *, resume: bool) -> None:
    """Raise OutputError where `out` holds a run that is not to be resumed, or that had other settings.

    `sections` are those that this kind of training depends on.
    """
    written = out / SETTINGS_NAME
    if not written.exists():
        return
    if not resume:
        raise OutputError(
            f"{out}: holds a training run already; add --resume to go on with it, or name another"
        )
    tables = read_toml(written)
    if ("net" in tables) != ("net" in sections):
        raise OutputError(f"{out}: holds a training of another kind of network; name another folder")
    before = what_trains(from_dict(RunSettings, tables, where=str(written)), sections)
    changed = [name for name, value in what_trains(settings, sections).items() if value != before[name]]
    if changed:
        raise OutputError(
            f"{out}: holds a training of other settings ({', '.join(changed)}); "
            "leave them as they were, or name another folder"
        )


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Lightning ends Python at Ctrl-C, and has any further one ignored: bring back the exception, and Ctrl-C."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as stop:
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from stop


@contextlib.contextmanager
def quiet() -> Iterator[None]:
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
