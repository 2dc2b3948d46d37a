"""Lightning's Trainer as leafwise uses it: for both networks, resumable, quiet, and ended by Ctrl-C."""

import contextlib
import logging
import signal
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import lightning
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from leafwise.errors import OutputError, SettingsError
from leafwise.training.callbacks import RunProgress, StartingPoint
from leafwise.training.cpu import keep_memory
from leafwise.training.precision import best_precision

SETTINGS_NAME = "settings.toml"


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


def run_callbacks(out: Path, *, every: int = 1, best: str | None = None) -> list[Callback]:
    """A progress bar, and checkpoints after so many epochs: the last, and the best by a metric where one is named."""
    kept = partial(
        ModelCheckpoint, out / "checkpoints", every_n_epochs=every, enable_version_counter=False, mode="max"
    )
    return [
        RunProgress(),
        StartingPoint(last_checkpoint(out)),
        *([kept(filename="best", monitor=best)] if best else []),
        kept(filename="last"),  # its own save_last writes no other epochs than the best
    ]


def last_checkpoint(out: Path) -> Path:
    """Where a run's last checkpoint is, once there is one."""
    return out / "checkpoints" / "last.ckpt"


def refuse_second_run(out: Path, *, resume: bool) -> None:
    """Raise OutputError where `out` holds a run already that is not to be resumed."""
    if (out / SETTINGS_NAME).exists() and not resume:
        raise OutputError(
            f"{out}: holds a training run already; add --resume to go on with it, or name another"
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
