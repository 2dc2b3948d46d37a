"""What is shown and kept while a network trains: one progress bar for the whole run, and pictures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from torch import Tensor

from leafwise.imaging import write_image
from leafwise.plots import color_labels, picture_grid
from leafwise.training.module import Batch


class RunProgress(Callback):
    """One bar over all epochs, with the time left, the loss and the last validation SBD."""

    def __init__(self) -> None:
        self.progress = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
        )
        self.note = ""

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Open the bar at the step where a resumed run goes on."""
        if trainer.is_global_zero:
            self.progress.start()
            self.task = self.progress.add_task(
                "", total=int(trainer.estimated_stepping_batches), completed=trainer.global_step, note=""
            )

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, outputs: Any, *_: Any
    ) -> None:
        """Move the bar."""
        if trainer.is_global_zero:
            loss = float(outputs["loss"] if isinstance(outputs, dict) else outputs)
            epoch = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"
            self.progress.update(
                self.task, completed=trainer.global_step, note=f"{epoch}  loss {loss:.3f}{self.note}"
            )

    def on_validation_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Note the validation's SBD beside the loss."""
        if "val_sbd" in trainer.callback_metrics:
            self.note = f"  val SBD {float(trainer.callback_metrics['val_sbd']):.1f}"

    def on_train_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Close the bar."""
        self.progress.stop()

    def on_exception(
        self, trainer: lightning.Trainer, module: lightning.LightningModule, exception: BaseException
    ) -> None:
        """Close the bar, so that the terminal is left in order."""
        self.progress.stop()


class Pictures(Callback):
    """A sheet at every validation: a few photos with their truth and the labels found."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder = folder
        self.count = count
        self.rows: list[list[np.ndarray[Any, Any]]] = []

    def on_validation_batch_end(
        self,
        trainer: lightning.Trainer,
        module: lightning.LightningModule,
        outputs: Any,
        batch: Batch,
        *_: Any,
    ) -> None:
        """Keep the first photos of the validation."""
        images, labels = batch
        for image, truth, found in zip(images, labels, outputs["labels"], strict=True):
            if len(self.rows) < self.count:
                photo = (image.permute(1, 2, 0).cpu().numpy() * 255).astype(np.uint8)
                side = len(truth) // len(found)
                large = found.repeat(side, 0).repeat(side, 1)
                self.rows.append([photo, color_labels(truth.cpu().numpy()), color_labels(large)])

    def on_validation_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Write the sheet."""
        if self.rows and trainer.is_global_zero:
            sheet = picture_grid(self.rows, captions=[["photo", "truth", "found"]] * len(self.rows))
            self.folder.mkdir(parents=True, exist_ok=True)
            write_image(self.folder / f"epoch_{trainer.current_epoch + 1:04d}.png", sheet)
        self.rows = []


class BothEnds(Callback):
    """Checkpoints before the first step and after the last.

    What is resumed early must not start from any other weights, and what is resumed when all steps are done must end
    with the same: so this callback stands after the one that averages weights.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Write the first, unless the run is resumed."""
        if trainer.global_step == 0:
            trainer.save_checkpoint(self.path)

    def on_train_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Write the last, unless the run has stopped early: its best weights are kept elsewhere."""
        if trainer.global_step >= trainer.estimated_stepping_batches:
            trainer.save_checkpoint(self.path)


class MovableCheckpoint(ModelCheckpoint):
    """Knows its best score in a folder that has moved, too: Lightning's own would write over it with any other."""

    @property
    def state_key(self) -> str:
        """As Lightning's own: its checkpoints go on as these."""
        return super().state_key.replace(type(self).__qualname__, ModelCheckpoint.__qualname__, 1)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take what a checkpoint says, its files' paths as they are now."""
        here = str(self.dirpath)

        def now(path: str) -> str:
            return str(Path(here, Path(path).name)) if path else path

        paths = ("best_model_path", "kth_best_model_path", "last_model_path")
        best = {now(path): score for path, score in state_dict["best_k_models"].items()}
        moved = {name: now(state_dict[name]) for name in paths} | {"dirpath": here, "best_k_models": best}
        super().load_state_dict(state_dict | moved)


class EpochSeeds(Callback):
    """Random numbers by seed, epoch and device alone: a run that is resumed draws those of one that was not."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_epoch_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Begin anew."""
        sequence = np.random.SeedSequence([self.seed, trainer.current_epoch, trainer.global_rank])
        torch.manual_seed(int(sequence.generate_state(1)[0]))


class ValidatedLast(Callback):
    """A validation after the last epoch, whatever the time between two: it has the lowest rate, and may well win."""

    def on_train_epoch_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Ask for it when the last epoch begins."""
        if trainer.current_epoch + 1 == trainer.max_epochs:
            trainer.check_val_every_n_epoch = 1


def running_average(decay: float) -> Callable[[list[Tensor], list[Tensor], Tensor], None]:
    """How a running average of weights goes on: (averages, weights, updates before), changing the averages.

    The decay rises from 0.1 to `decay`, as (1 + n) / (10 + n): a short training must not end with an average of
    its first weights. All weights at once: a GPU would wait hundreds of times for each on its own.
    """

    def update(averages: list[Tensor], weights: list[Tensor], count: Tensor) -> None:
        if not averages[0].is_floating_point():  # the batches that a norm has seen
            torch._foreach_copy_(averages, weights)
            return
        n_before = int(count)
        torch._foreach_lerp_(averages, weights, 1 - min(decay, (1 + n_before) / (10 + n_before)))

    return update
