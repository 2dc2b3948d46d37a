from types import SimpleNamespace

import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from rich.console import Console

from leafwise.imaging import read_image
from leafwise.training.callbacks import BothEnds, MovableCheckpoint, Pictures, RunProgress, running_average


def trainer_at(step, *, epoch=0, **more):
    trainer = SimpleNamespace(
        is_global_zero=True,
        global_step=step,
        current_epoch=epoch,
        max_epochs=3,
        estimated_stepping_batches=12,
        callback_metrics={},
    )
    trainer.__dict__.update(more)
    return trainer


def batch_of(count):
    """Photos (n, 3, 32, 32), labels (n, 32, 32) and what was found, on half the grid."""
    labels = torch.zeros((count, 32, 32), dtype=torch.long)
    labels[:, 8:24, 8:24] = 1
    return (torch.full((count, 3, 32, 32), 0.5), labels), {"labels": [np.ones((16, 16), np.int32)] * count}


def test_pictures_of_the_first_photos_are_drawn_at_each_validation(tmp_path):
    pictures = Pictures(tmp_path / "pictures", count=3)
    trainer = trainer_at(0, epoch=4)
    for count in (2, 2):
        batch, outputs = batch_of(count)
        pictures.on_validation_batch_end(trainer, None, outputs, batch, 0)
    pictures.on_validation_end(trainer, None)
    (sheet,) = (tmp_path / "pictures").iterdir()
    assert sheet.name == "epoch_0005.png"
    height, width = read_image(sheet).shape[:2]
    assert 3 * 32 <= height < 4 * 32 + 100
    assert 3 * 32 <= width < 4 * 32
    sheet.unlink()
    pictures.on_validation_end(trainer, None)  # with nothing seen since
    assert not list((tmp_path / "pictures").iterdir())


def test_a_picture_shows_photo_truth_and_what_was_found(tmp_path):
    pictures = Pictures(tmp_path, count=1)
    (images, labels), outputs = batch_of(1)
    pictures.on_validation_batch_end(trainer_at(0), None, outputs, (images, labels), 0)
    ((photo, truth, found),) = pictures.rows
    assert photo.shape == truth.shape == found.shape == (32, 32, 3)
    assert (photo == 127).all()
    np.testing.assert_array_equal(truth.any(axis=2), labels[0].numpy() > 0)
    assert found.any(axis=2).all()


def test_pictures_are_written_by_one_of_several_processes(tmp_path):
    pictures = Pictures(tmp_path, count=1)
    batch, outputs = batch_of(1)
    pictures.on_validation_batch_end(trainer_at(0), None, outputs, batch, 0)
    pictures.on_validation_end(trainer_at(0, is_global_zero=False), None)
    assert not list(tmp_path.iterdir())


def test_the_bar_begins_where_a_run_goes_on_and_tells_loss_and_sbd():
    progress = RunProgress()
    progress.progress.live.console = Console(file=open("/dev/null", "w"), stderr=True)  # noqa: SIM115
    progress.on_train_start(trainer_at(6), None)
    (task,) = progress.progress.tasks
    assert (task.total, task.completed) == (12, 6)
    progress.on_validation_end(trainer_at(6, callback_metrics={"val_sbd": torch.tensor(71.26)}), None)
    progress.on_train_batch_end(trainer_at(7, epoch=1), None, {"loss": torch.tensor(0.25)}, None, 0)
    assert task.completed == 7
    assert task.fields["note"] == "epoch 2/3  loss 0.250  val SBD 71.3"
    progress.on_exception(trainer_at(7), None, KeyboardInterrupt())
    assert not progress.progress.live.is_started


def test_there_is_one_bar_for_all_processes():
    progress = RunProgress()
    progress.on_train_start(trainer_at(0, is_global_zero=False), None)
    progress.on_train_batch_end(trainer_at(1, is_global_zero=False), None, torch.tensor(1.0), None, 0)
    assert progress.progress.tasks == []


def test_both_ends_are_kept_once(tmp_path):
    saved = []
    ends = BothEnds(tmp_path / "last.ckpt")
    ends.on_train_start(trainer_at(0, save_checkpoint=saved.append), None)
    ends.on_train_start(trainer_at(4, save_checkpoint=saved.append), None)
    assert saved == [tmp_path / "last.ckpt"]
    ends.on_train_end(trainer_at(8, save_checkpoint=saved.append), None)  # stopped early
    assert saved == [tmp_path / "last.ckpt"]
    ends.on_train_end(trainer_at(12, save_checkpoint=saved.append), None)
    assert saved == [tmp_path / "last.ckpt"] * 2


def averaged(weights, decay):
    update = running_average(decay)
    average = [torch.tensor(float(weights[0]))]
    for count, weight in enumerate(weights[1:], 1):
        update(average, [torch.tensor(float(weight))], torch.tensor(count))
    return float(average[0])


def test_the_running_average_worked_by_hand():
    # after the first, decays of 2/11 and 3/12
    assert averaged([0, 11, 11], 0.9) == pytest.approx((3 / 12) * 9 + (9 / 12) * 11)
    assert averaged([0, 11, 11], 0.1) == pytest.approx(0.1 * 9.9 + 0.9 * 11)
    assert averaged([3] * 50, 0.995) == pytest.approx(3)


def test_counts_are_copied_instead_of_averaged():
    counts = [torch.tensor(3)]
    running_average(0.9)(counts, [torch.tensor(8)], torch.tensor(5))
    assert counts[0].item() == 8


def test_a_short_training_is_not_an_average_of_its_first_weights():
    ramp = list(range(80))
    assert averaged(ramp, 0.995) > 65  # with a fixed decay it would be below 14
    assert averaged(list(range(5000)), 0.9) == pytest.approx(4999 - 9, abs=0.1)


def test_the_best_score_is_known_in_a_folder_that_has_moved(tmp_path):
    before, after = (
        MovableCheckpoint(tmp_path / name, filename="best", monitor="val_sbd") for name in ("old", "new")
    )
    path = str((tmp_path / "old" / "best.ckpt").resolve())
    before.best_model_path = before.kth_best_model_path = path
    before.best_model_score = before.kth_value = torch.tensor(81.5)
    before.best_k_models = {path: torch.tensor(81.5)}
    assert before.state_key == ModelCheckpoint(tmp_path, filename="best", monitor="val_sbd").state_key
    after.load_state_dict(before.state_dict())
    moved = str((tmp_path / "new" / "best.ckpt").resolve())
    assert (after.best_model_score, after.best_model_path) == (81.5, moved)
    assert after.best_k_models == {moved: 81.5}
    assert after.kth_best_model_path == moved
    assert not after.last_model_path
