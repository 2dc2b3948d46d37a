"""`leafwise train` as a user sees it, with a network so small that it trains in seconds."""

import json
import shutil
import tomllib

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from shell import errors_of, leafwise, refused

from leafwise.cli import extras
from leafwise.cli.arguments import read_settings
from leafwise.datasets import read_dataset
from leafwise.imaging import read_image, read_labels, write_labels
from leafwise.models import read_card
from leafwise.nets import EmbeddingNet, load_weights
from leafwise.segmenter import Segmenter
from leafwise.training.module import EmbeddingModule

SMALL = {
    "looks.input_size": 64,
    "net.encoder": "test_byobnet",
    "net.encoder_weights": "none",
    "net.embedding_size": 4,
    "training.epochs": 2,
    "training.batch_size": 2,
    "training.least_views": 0,
    "training.validate_every": 1,
    "training.validation_share": 0.3,
    "clustering.min_cluster_size": 10,
    "clustering.min_samples": 5,
}


def arguments_of(dataset, out, *more, **changes):
    """A call of `leafwise train` with the SMALL settings; of the changes, `_` stands for the dot."""
    settings = SMALL | {name.replace("_", ".", 1): value for name, value in changes.items()}
    options = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    return ["train", dataset, "--out", out, "--accelerator", "cpu", *options, *more]


@pytest.fixture
def no_onnx(monkeypatch):
    """Leaves out of the model what takes longest to write."""
    monkeypatch.setattr(
        "leafwise.training.model_folder.export_onnx", lambda net, path, input_size: path.touch()
    )


@pytest.fixture(scope="module")
def run(dataset, tmp_path_factory):
    """A finished run of two epochs; not to be changed."""
    out = tmp_path_factory.mktemp("runs") / "first"
    result = leafwise(*arguments_of(dataset, out))
    assert result.exit_code == 0, result.output
    assert result.stdout == f"Trained: {out}/model. Try it: leafwise segment PHOTOS --model {out}/model\n"
    assert errors_of(result.stderr) == []
    return out


def test_a_run_leaves_model_logs_pictures_checkpoints_and_settings(run):
    assert {path.name for path in (run / "model").iterdir()} == {
        "model.toml",
        "embedding.onnx",
        "weights.safetensors",
    }
    assert {path.name for path in (run / "pictures").iterdir()} == {"epoch_0001.png", "epoch_0002.png"}
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}
    assert list((run / "logs").glob("events.out.tfevents*"))
    settings = tomllib.loads((run / "settings.toml").read_text())
    for name, value in SMALL.items():
        section, key = name.split(".")
        assert settings[section][key] == value
    metrics = pd.read_csv(run / "logs" / "metrics.csv")
    assert metrics["val_sbd"].notna().sum() == 2
    assert metrics["loss"].notna().sum() == 4


def test_the_photos_are_split_once_and_the_split_is_written_down(run, dataset):
    (split,) = json.loads((run / "split.json").read_text())["splits"]
    assert sorted(split["train"] + split["validation"]) == [pair.name for pair in read_dataset(dataset)]
    assert len(split["validation"]) == 2  # 0.3 of 6


def test_the_model_segments(run, dataset, tmp_path):
    photo = dataset / "images" / "p0.png"
    result = leafwise("segment", photo, "--out", tmp_path, "--model", run / "model", "--workers", 1)
    assert result.exit_code == 0
    assert read_labels(tmp_path / "p0_label.png").shape == read_image(photo).shape[:2]


def test_torch_and_onnxruntime_agree(run, dataset):
    segmenter = Segmenter.from_pretrained(run / "model")
    net = EmbeddingNet(segmenter.model.card.net)
    load_weights(net, run / "model" / "weights.safetensors")
    photos = np.stack([read_image(dataset / "images" / f"p{i}.png")[:96, :96] for i in range(2)])
    embedded = segmenter.model.embed(photos)
    card = segmenter.model.card
    pixels = (torch.from_numpy(photos) / 255 - torch.tensor(card.mean)) / torch.tensor(card.std)
    with torch.inference_mode():
        outputs = net.eval()(pixels.permute(0, 3, 1, 2).contiguous())
    np.testing.assert_allclose(embedded.embeddings, outputs.embeddings.numpy(), atol=1e-4)
    np.testing.assert_allclose(embedded.foreground, outputs.foreground.sigmoid().numpy(), atol=1e-5)


def test_a_second_run_in_the_same_folder_is_refused(run, dataset):
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    line = refused(*arguments_of(dataset, run))
    assert (
        line == f"Error: {run}: holds a training run already; add --resume to go on with it, or name another"
    )
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_an_interrupted_run_goes_on_with_resume_alone(dataset, tmp_path, no_onnx, monkeypatch):
    out, steps = tmp_path / "run", []
    step = EmbeddingModule.training_step

    def interrupted(self, batch, batch_index):
        steps.append(self.global_step)
        if len(steps) == 4:  # in the second epoch of two steps
            raise KeyboardInterrupt
        return step(self, batch, batch_index)

    monkeypatch.setattr(EmbeddingModule, "training_step", interrupted)
    result = leafwise(*arguments_of(dataset, out))
    assert result.exit_code == 130
    (line,) = errors_of(result.stderr)
    assert "run the same command again to go on" in line
    assert "--resume" in line
    assert not (out / "model").exists()
    split = (out / "split.json").read_text()
    result = leafwise("train", dataset, "--out", out, "--accelerator", "cpu", "--resume")
    assert result.exit_code == 0, result.output
    assert steps == [0, 1, 2, 3, 2, 3]
    assert (out / "split.json").read_text() == split
    losses = pd.read_csv(out / "logs" / "metrics.csv").dropna(subset="loss")
    assert losses[["epoch", "step"]].values.tolist() == [[0, 0], [0, 1], [1, 2], [1, 3]]
    assert (out / "model" / "embedding.onnx").is_file()


def test_from_starts_with_a_models_weights_and_network(run, dataset, tmp_path, no_onnx):
    out = tmp_path / "run"
    changes = ("training.learning_rate=1e-12", "training.epochs=1", "training.least_views=0")
    start = ("--from", run / "model", *(part for change in changes for part in ("--set", change)))
    result = leafwise("train", dataset, "--out", out, "--accelerator", "cpu", *start)
    assert result.exit_code == 0, result.output
    before, after = (load_file(folder / "model" / "weights.safetensors") for folder in (run, out))
    moving = {
        name for name in before if "running_" in name or "num_batches" in name
    }  # batch norm's statistics
    assert len(moving) < len(before)
    for name in before.keys() - moving:
        torch.testing.assert_close(after[name], before[name], rtol=0, atol=1e-6)
    cards = [read_card(folder / "model") for folder in (run, out)]
    assert cards[0].net == cards[1].net
    assert cards[0].looks == cards[1].looks


def test_from_a_model_of_another_network_is_refused(run, dataset, tmp_path):
    other = arguments_of(dataset, tmp_path / "run", "--from", run / "model", net_embedding_size=5)
    assert "its network is" in refused(*other)
    nosuch = arguments_of(dataset, tmp_path / "run", "--from", "nosuch")
    assert "no model 'nosuch'" in refused(*nosuch)
    assert not (tmp_path / "run").exists()


def test_what_goes_on_from_weights_has_full_views_at_once_unless_told_otherwise(tmp_path):
    config = tmp_path / "grows.toml"
    config.write_text("[training]\ngrow_from = 320\n")
    grown = [
        read_settings(None, []),
        read_settings(None, [], "rosette"),
        read_settings(None, [], goes_on=True),
        read_settings(config, [], "rosette"),
        read_settings(config, ["training.grow_from=64"], "rosette"),
    ]
    assert [settings.training.grow_from for settings in grown] == [256, 0, 0, 320, 64]


PAPER = """
[looks]
input_size = 64
[net]
encoder = "test_byobnet"
encoder_weights = "none"
decoder = "paper"
embedding_size = 8
foreground_head = false
[loss]
background = true
[augment]
kind = "paper"
[training]
epochs = 1
batch_size = 3
least_views = 0
optimizer = "sgd"
schedule = "cyclic"
validation_share = 0.0
[clustering]
min_cluster_size = 10
min_samples = 5
"""


def test_the_papers_network_and_augmentation_train_and_segment(dataset, tmp_path):
    (tmp_path / "paper.toml").write_text(PAPER)
    out = tmp_path / "run"
    result = leafwise(
        "train", dataset, "--out", out, "--accelerator", "cpu", "--config", tmp_path / "paper.toml"
    )
    assert result.exit_code == 0, result.output
    card = read_card(out / "model")
    assert (card.net.decoder, card.net.foreground_head, card.stride) == ("paper", False, 1)
    assert card.scores == {}
    segmenter = Segmenter.from_pretrained(out / "model")
    photo = read_image(dataset / "images" / "p0.png")
    assert segmenter.segment(photo).labels.shape == photo.shape[:2]
    assert segmenter.model.embed(photo[None, :96, :96]).embeddings.shape == (1, 8, 96, 96)


def test_a_split_that_is_given_is_taken_and_kept(dataset, tmp_path, no_onnx):
    names = [pair.name for pair in read_dataset(dataset)]
    folds = tmp_path / "folds.json"
    given = {"train": names[:3], "validation": names[3:4]}
    folds.write_text(json.dumps({"seed": 5, "by_group": False, "splits": [given]}))
    out = tmp_path / "run"
    assert leafwise(*arguments_of(dataset, out, "--split", folds, training_epochs=1)).exit_code == 0
    folds.unlink()
    shutil.rmtree(out / "model")
    assert leafwise(*arguments_of(dataset, out, "--resume", training_epochs=1)).exit_code == 0
    (split,) = json.loads((out / "split.json").read_text())["splits"]
    assert split == given
    given = {"train": ["nosuch"], "validation": names[3:4]}
    folds.write_text(json.dumps({"seed": 5, "by_group": False, "splits": [given]}))
    line = refused(*arguments_of(dataset, tmp_path / "other", "--split", folds))
    assert "photos that are not there: nosuch" in line


def test_by_group_the_photos_of_a_plant_are_on_one_side(two_plants, tmp_path, monkeypatch):
    sides = []

    def note(train, validation, out, settings, **_):
        sides.append([{pair.group for pair in pairs} for pairs in (train, validation)])
        return out / "model"

    monkeypatch.setattr("leafwise.training.train", note)
    for more in (["--by-group"], []):
        asked = arguments_of(two_plants, tmp_path / "run", *more, training_validation_share=0.5)
        assert leafwise(*asked).exit_code == 0
    assert sorted(sides[0], key=str) == [{"0"}, {"1"}]
    assert sides[1] == [{"0", "1"}, {"0", "1"}]


def test_data_not_fit_to_train_on_is_refused_before_any_training(dataset, tmp_path):
    bad, out = shutil.copytree(dataset, tmp_path / "bad"), tmp_path / "run"
    write_labels(bad / "labels" / "p1.png", np.eye(30, 40, dtype=int))
    line = refused(*arguments_of(bad, out))
    assert f"{bad}/labels/p1.png: 40 x 30 pixels, its photo 101 x 96" in line
    write_labels(bad / "labels" / "p2.png", np.eye(30, 40, dtype=int))
    line = refused(*arguments_of(bad, out))
    assert f"(and 1 more: `leafwise check {bad}`)" in line
    (tmp_path / "empty").mkdir()
    refused(*arguments_of(tmp_path / "empty", out))
    assert "nosuch" in refused(*arguments_of(tmp_path / "nosuch", out))
    assert not out.exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"training_epoch": 3}, "did you mean epochs?"),
        ({"training_epochs": 0}, "must be at least 1"),
        ({"net_encoder": "test_byobnett"}, "did you mean test_byobnet"),
        ({"net_encoder_weights": "nosuch.safetensors"}, "nosuch.safetensors"),
        ({"net_foreground_head": "false"}, "set loss.background=true"),
        ({"looks_input_size": 65}, "multiple of 32"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_settings_that_cannot_be_are_refused_in_one_line(dataset, tmp_path, changes, reason):
    assert reason in refused(*arguments_of(dataset, tmp_path / "run", **changes))
    assert not (tmp_path / "run").exists()


def test_hardware_that_cannot_be_is_refused_in_one_line(dataset, tmp_path):
    refused(*arguments_of(dataset, tmp_path / "run", "--accelerator", "gpuu"))
    refused(*arguments_of(dataset, tmp_path / "run", "--devices", "two"))
    refused(*arguments_of(dataset, tmp_path / "run", "--precision", "bf17"))
    refused(*arguments_of(dataset, tmp_path / "run", "--config", tmp_path / "nosuch.toml"))
    assert not (tmp_path / "run").exists()


def test_a_run_folder_that_cannot_be_is_refused_in_one_line(dataset, tmp_path):
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        assert str(out) in refused(*arguments_of(dataset, out))
    assert (tmp_path / "file").read_text() == "mine"


def test_without_the_extra_one_line_says_how_to_get_it(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "timm" else True)
    line = refused(*arguments_of(dataset, tmp_path / "run"))
    assert line.startswith("Error: training needs timm; install the extra: pip install 'leafwise[train]'")
