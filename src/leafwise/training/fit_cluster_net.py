"""One training run of ClusterNet: a model and photos in, the model with a ClusterNet out."""

from collections.abc import Sequence
from pathlib import Path

import lightning
import tomli_w
from torch.utils.data import DataLoader

from leafwise.config import ClusterNetSettings, RunSettings, to_dict
from leafwise.datasets import Pair
from leafwise.errors import DatasetError
from leafwise.imaging import make_folder, write_text
from leafwise.models import load_model
from leafwise.nets import ClusterNet
from leafwise.training.cluster_module import ClusterModule
from leafwise.training.logs import kept_metrics
from leafwise.training.model_folder import add_cluster_net
from leafwise.training.photos import read_photo
from leafwise.training.segments import Segments, SegmentSet, make_segments
from leafwise.training.trainer import (
    SETTINGS_NAME,
    Hardware,
    interruptible,
    last_checkpoint,
    make_trainer,
    quiet,
    refuse_second_run,
    run_callbacks,
)


def train_cluster_net(
    pairs: Sequence[Pair],
    model: str | Path,
    out: Path,
    settings: ClusterNetSettings,
    *,
    resume: bool = False,
    hardware: Hardware = Hardware(),  # noqa: B008 frozen
) -> Path:
    """Train a ClusterNet for a model's embeddings; returns the folder of the model with it, `out`/model.

    Args:
        pairs: photos with their truth, better not those that the embeddings were trained on (paper, section 5.2).
        model: a model's name or folder; its own looks, clustering and foreground make the likelihood images.
        out: the run's folder: settings.toml, logs/, checkpoints/, model/.
        settings: the net's width, its training set and its training.
        resume: go on from the last checkpoint in `out`, if there is one.
        hardware: what to train on.

    Raises DatasetError, ModelError, SettingsError and OutputError with what to do.
    """
    if not pairs:
        raise DatasetError("no photo to train ClusterNet on; give a data set with at least one pair")
    loaded = load_model(model)
    with quiet():
        trainer = make_trainer(out, settings.epochs, run_callbacks(out), hardware)
        if trainer.is_global_zero:
            refuse_second_run(out, resume=resume)
        lightning.seed_everything(settings.seed, workers=True, verbose=False)
        looks = RunSettings(looks=loaded.card.looks)
        segments = make_segments([read_photo(pair, looks) for pair in pairs], loaded, settings)
        module = ClusterModule(ClusterNet(settings.width), settings, positive_weight_of(segments, settings))
        if trainer.is_global_zero:
            make_folder(out)
            write_text(out / SETTINGS_NAME, tomli_w.dumps({"cluster_net": to_dict(settings)}))
        batch_size = min(settings.batch_size, len(segments.masks))
        loader = DataLoader(SegmentSet(segments), batch_size=batch_size, shuffle=True, drop_last=True)
        last = last_checkpoint(out)
        with kept_metrics(out / "logs", writes=trainer.is_global_zero), interruptible():
            trainer.fit(
                module, loader, ckpt_path=last if resume and last.is_file() else None, weights_only=True
            )
    folder = out / "model"
    if trainer.is_global_zero:
        add_cluster_net(module.net, loaded.folder, folder)
    return folder


def positive_weight_of(segments: Segments, settings: ClusterNetSettings) -> float:
    """The weight of leaf pixels in the loss: as it is set, or measured, other pixels for each leaf pixel.

    The paper measured 105 in its likelihood images.
    """
    if settings.positive_weight > 0:
        return settings.positive_weight
    share = float(segments.masks.mean())
    return (1 - share) / max(share, 1 / segments.masks.size)
