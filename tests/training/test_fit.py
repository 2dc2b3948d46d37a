"""A training run: what it leaves, how it stops, goes on, and which weights win."""

import re
import shutil
import signal
from dataclasses import replace

import pandas as pd
import pytest
import torch
from lightning import Trainer
from lightning.fabric.utilities import rank_zero_only
from safetensors.torch import load_file

from leafwise.config import RunSettings, TrainingSettings, from_dict, read_toml
from leafwise.datasets import Folds, Pair, Split, read_folds, seen_in, write_folds
from leafwise.errors import DatasetError, ModelError, OutputError, SettingsError
from leafwise.models import read_card, write_card
from leafwise.nets import EmbeddingNet, load_weights
from leafwise.training import Hardware, fit, model_folder, train
from leafwise.training import module as module_of
from leafwise.training.module import EmbeddingModule

ONE_EPOCH = {"epochs": 1}


def files_of(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def losses_of(out):
    """The rows of metrics.csv with a batch's loss."""
    return pd.read_csv(out / "logs" / "metrics.csv").dropna(subset="loss")


def is_same(one, other, *, atol=0.0):
    assert one.keys() == other.keys()
    return all(torch.allclose(one[name].float(), other[name].float(), rtol=0, atol=atol) for name in one)


def test_a_run_leaves_what_is_needed_to_judge_and_repeat_it(train_small, pairs, tmp_path):
    trained = train_small()
    out = tmp_path / "run"
    assert trained.folder == out / "model"
    there = files_of(out)
    assert {
        "settings.toml",
        "split.json",
        "logs/metrics.csv",
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
        "pictures/epoch_0001.png",
        "pictures/epoch_0002.png",
    } < there
    assert any(name.startswith("logs/events.out.tfevents") for name in there)
    assert not [name for name in there if "earlier" in name or ".tmp" in name]
    settings = from_dict(RunSettings, read_toml(out / "settings.toml"))
    assert (settings.net.encoder, settings.training.epochs) == ("test_byobnet", 2)
    (split,) = read_folds(out / "split.json", pairs).splits
    assert [pair.name for pair in split.validation] == ["p0", "p1"]
    assert [pair.name for pair in split.train] == ["p2", "p3", "p4", "p5"]
    assert losses_of(out)[["epoch", "step"]].values.tolist() == [[0, 0], [0, 1], [1, 2], [1, 3]]


def test_the_card_says_what_was_trained_on_and_how_it_did(train_small, tmp_path):
    card = train_small().card
    assert card.name == "run"
    assert card.trained_on == "4 photos"
    assert (card.looks.input_size, card.clustering.min_cluster_size) == (64, 20)
    assert card.net.encoder_weights == "none"
    metrics = pd.read_csv(tmp_path / "run" / "logs" / "metrics.csv").dropna(subset="val_sbd")
    best = metrics.loc[metrics["val_sbd"].idxmax()]
    names = {"sbd": "val_sbd", "fbd": "val_fbd", "mean_abs_dic": "val_abs_dic"}
    assert card.scores == {"validation": {name: pytest.approx(best[ours]) for name, ours in names.items()}}


def test_the_card_has_no_step_that_the_model_cannot_take_yet(train_small, tmp_path):
    pipeline = {"steps": "seeded+mrf+cluster_net+mrf"}
    card = train_small(validation=0, training=ONE_EPOCH, pipeline=pipeline, refine={"mrf_reduction": 2}).card
    assert card.pipeline.steps == "seeded+mrf"  # a ClusterNet is trained later
    assert card.refine.mrf_reduction == 2
    assert read_toml(tmp_path / "run" / "settings.toml")["pipeline"] == pipeline


def test_the_loss_is_the_weighted_sum_of_its_terms(train_small, tmp_path):
    weights = {"pull": 2.0, "push": 3.0, "reg": 0.5, "overlap": 4.0, "foreground": 7.0}
    loss = {f"{name}_weight": weight for name, weight in weights.items()}
    train_small(validation=0, training={"epochs": 1, "batch_size": 4}, loss=loss)
    metrics = pd.read_csv(tmp_path / "run" / "logs" / "metrics.csv").max()  # one batch: one value each
    terms = {name: metrics[f"loss/{name}"] for name in weights}
    assert all(value > 0 for value in terms.values())
    assert metrics["loss"] == pytest.approx(sum(weights[name] * terms[name] for name in terms))


def test_the_same_seed_gives_the_same_weights(train_small):
    first = train_small("a", validation=0, training=ONE_EPOCH)
    torch.rand(7)  # whatever was drawn before
    second = train_small("b", validation=0, training=ONE_EPOCH)
    other = train_small("c", validation=0, training={"epochs": 1, "seed": 1})
    assert is_same(first.weights, second.weights)
    assert not is_same(first.weights, other.weights)


def test_few_photos_make_as_many_steps_as_their_views(train_small, tmp_path):
    train_small(validation=0, training={"epochs": 2, "batch_size": 2, "least_views": 10})
    assert losses_of(tmp_path / "run")["epoch"].value_counts().to_dict() == {
        0: 5,
        1: 5,
    }  # 10 views of 4 photos


@pytest.fixture
def validations(monkeypatch):
    """Lets each validation have a given SBD, and keeps the weights that were validated."""
    seen = []

    def of(*sbds):
        score = module_of.score_labels
        label_maps = EmbeddingModule.label_maps

        def look(self, images):
            seen.append({name: value.detach().clone() for name, value in self.net.state_dict().items()})
            return label_maps(self, images)

        def score_as_given(truth, found):
            return replace(score(truth, found), sbd=sbds[len(seen) - 1])

        monkeypatch.setattr(EmbeddingModule, "label_maps", look)
        monkeypatch.setattr(module_of, "score_labels", score_as_given)
        return seen

    return of


@pytest.mark.parametrize("averaging", [0.0, 0.9])
def test_the_weights_of_the_best_validation_win(train_small, validations, averaging):
    seen = validations(10.0, 30.0, 20.0)
    trained = train_small(training={"epochs": 3, "averaging": averaging})
    assert len(seen) == 3
    assert is_same(trained.weights, seen[1])
    assert not is_same(trained.weights, seen[2])
    assert trained.card.scores["validation"]["sbd"] == 30.0


def test_without_validation_the_last_weights_are_kept(train_small, tmp_path):
    trained = train_small(validation=0, training={"averaging": 0.0})
    last = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    assert is_same(trained.weights, {name.removeprefix("net."): value for name, value in last.items()})
    assert trained.card.scores == {}
    assert not (tmp_path / "run" / "pictures").exists()


@pytest.mark.parametrize(("epochs", "every", "expected"), [(2, 5, [1]), (5, 2, [1, 3, 4]), (4, 2, [1, 3])])
def test_the_last_epoch_is_validated_too_and_may_win(
    train_small, validations, tmp_path, epochs, every, expected
):
    seen = validations(10.0, 20.0, 30.0)
    trained = train_small(training={"epochs": epochs, "validate_every": every, "patience": 5})
    metrics = pd.read_csv(tmp_path / "run" / "logs" / "metrics.csv").dropna(subset="val_sbd")
    assert metrics["epoch"].tolist() == expected
    assert is_same(trained.weights, seen[-1])


@pytest.mark.parametrize(("patience", "epochs"), [(1, 3), (2, 4), (0, 5)])
def test_it_stops_early_when_nothing_gets_better(train_small, validations, tmp_path, patience, epochs):
    validations(10.0, 20.0, 15.0, 20.0, 19.0)
    train_small(training={"epochs": 5, "patience": patience})
    assert losses_of(tmp_path / "run")["epoch"].max() + 1 == epochs


@pytest.fixture
def interrupted(monkeypatch):
    """Ctrl-C at a training step, counted from 0 over all runs; returns the list of the steps taken."""
    steps = []

    def at(number):
        step = EmbeddingModule.training_step

        def take(self, batch, batch_index):
            if len(steps) == number:
                steps.append("Ctrl-C")
                raise KeyboardInterrupt
            steps.append(self.global_step)
            return step(self, batch, batch_index)

        monkeypatch.setattr(EmbeddingModule, "training_step", take)
        return steps

    return at


def test_a_run_that_was_stopped_goes_on(train_small, interrupted, tmp_path):
    steps = interrupted(5)  # in the third of four epochs of two steps
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train_small(training={"epochs": 4})
    assert signal.getsignal(signal.SIGINT) is handler  # further ones are heard
    out = tmp_path / "run"
    assert losses_of(out)["epoch"].max() == 2
    trained = train_small(training={"epochs": 4}, resume=True)
    assert steps == [0, 1, 2, 3, 4, "Ctrl-C", 4, 5, 6, 7]
    assert losses_of(out)[["epoch", "step"]].values.tolist() == [[step // 2, step] for step in range(8)]
    validated = pd.read_csv(out / "logs" / "metrics.csv").dropna(subset="val_sbd")
    assert validated["epoch"].tolist() == [0, 1, 2, 3]
    assert trained.card.scores.keys() == {"validation"}


@pytest.mark.parametrize("validation", [0, 2])
def test_a_run_that_was_stopped_ends_as_one_that_was_not(train_small, interrupted, validation):
    training = {"epochs": 4, "settle_norms": 0.5, "validate_every": 2}
    whole = train_small("whole", validation=validation, training=training)
    interrupted(5)
    with pytest.raises(KeyboardInterrupt):
        train_small(validation=validation, training=training)
    torch.rand(7)  # whatever was drawn before
    resumed = train_small(validation=validation, training=training, resume=True)
    assert is_same(resumed.weights, whole.weights)
    assert resumed.card.scores == whole.card.scores


def test_a_resumed_run_knows_the_model_that_it_started_from(train_small, interrupted, tiny_model, tmp_path):
    licensed = shutil.copytree(tiny_model, tmp_path / "licensed")
    write_card(replace(read_card(licensed), licence="research only"), licensed)
    interrupted(1)
    with pytest.raises(KeyboardInterrupt):
        train_small(start=licensed, training=ONE_EPOCH | {"start_share": 0.5})
    card = train_small(resume=True, training=ONE_EPOCH | {"start_share": 0.5}).card
    with pytest.raises(OutputError, match=r"its run started from .*licensed; start from that again"):
        train_small(resume=True, start=tiny_model, training=ONE_EPOCH | {"start_share": 0.5})
    assert card.licence == "research only"
    assert "from the weights of tiny" in card.trained_on


def test_a_run_whose_model_is_there_is_done(train_small, tmp_path):
    card, model = train_small(training=ONE_EPOCH).card, tmp_path / "run" / "model"
    model.mkdir()
    write_card(card, model)
    (tmp_path / "run" / "checkpoints" / "last.ckpt").unlink()
    train_small(training=ONE_EPOCH, resume=True)
    assert not (tmp_path / "run" / "checkpoints" / "last.ckpt").exists()
    assert read_card(model) == card


def test_a_finished_run_takes_how_its_model_is_used(train_small, tmp_path):
    card, model = train_small(training=ONE_EPOCH).card, tmp_path / "run" / "model"
    model.mkdir()
    write_card(card, model)
    card = replace(card, refine=replace(card.refine, mrf_reduction=2))  # by hand
    write_card(card, model)
    train_small(training=ONE_EPOCH, resume=True)
    assert read_card(model) == card
    used = {
        "looks": {"turns": 5},
        "clustering": {"seed_radius": 1.9},
        "pipeline": {"steps": "seeded+cluster_net"},
    }
    train_small(training=ONE_EPOCH, resume=True, **used)
    changed = read_card(model)
    assert (changed.looks.turns, changed.clustering.seed_radius, changed.pipeline.steps) == (5, 1.9, "seeded")
    assert changed.refine == card.refine  # nothing was said of it
    assert changed.scores == {}  # they were of the former use
    assert from_dict(RunSettings, read_toml(tmp_path / "run" / "settings.toml")).looks.turns == 5


@pytest.mark.parametrize("left", [0, 3_000, 30_000])
def test_a_checkpoint_that_was_cut_short_is_told_of(train_small, tmp_path, left):
    train_small(training=ONE_EPOCH)
    last = tmp_path / "run" / "checkpoints" / "last.ckpt"
    last.write_bytes(last.read_bytes()[:left])
    with pytest.raises(OutputError, match=r"last\.ckpt: damaged or cut short; remove it"):
        train_small(training=ONE_EPOCH, resume=True)
    last.unlink()
    train_small(training=ONE_EPOCH, resume=True)


def test_a_run_of_other_photos_is_not_resumed(train_small, tmp_path):
    train_small(training=ONE_EPOCH)
    split = tmp_path / "run" / "split.json"
    split.write_text(split.read_text().replace("p5", "p0"))
    with pytest.raises(OutputError, match=r"run: holds a training of other photos \(p0, p5\); name another"):
        train_small(training=ONE_EPOCH, resume=True)


def test_what_a_start_has_seen_is_written_down_where_it_is_known(train_small, tiny_model, tmp_path):
    first = shutil.copytree(tiny_model, tmp_path / "first" / "model")
    train_small("second", start=first, training=ONE_EPOCH)
    seen = seen_in(tmp_path / "second" / "split.json")
    assert (seen.names, seen.unknown) == ({"p2", "p3", "p4", "p5"}, str(first.resolve()))
    names = tuple(Pair(name, tmp_path, tmp_path, name) for name in ("old1", "old2"))
    write_folds(tmp_path / "first" / "split.json", Folds(0, False, (Split(names, ()),)))
    train_small("third", start=first, training=ONE_EPOCH)
    seen = seen_in(tmp_path / "third" / "split.json")
    assert (seen.names, seen.unknown) == ({"p2", "p3", "p4", "p5", "old1", "old2"}, "")


def test_a_resumed_run_keeps_its_settings(train_small, tmp_path):
    train_small(training=ONE_EPOCH)
    written = (tmp_path / "run" / "settings.toml").read_text()
    with pytest.raises(
        OutputError, match=r"other settings \(net.embedding_size, training.epochs\); leave them"
    ):
        train_small(training={"epochs": 2}, net={"embedding_size": 5}, resume=True)
    with pytest.raises(OutputError, match=r"other settings \(looks.tile_side, looks.stretch\)"):
        train_small(
            training=ONE_EPOCH, looks={"stretch": True, "one_plant": True, "tile_side": 64}, resume=True
        )
    assert (tmp_path / "run" / "settings.toml").read_text() == written
    train_small(training=ONE_EPOCH | {"pictures": 1}, looks={"tile_side": 64}, resume=True)  # in use alone


def test_a_run_of_another_kind_of_network_is_not_resumed(train_small, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "settings.toml").write_text("[cluster_net]\nwidth = 8\n")
    with pytest.raises(OutputError, match="another kind of network"):
        train_small(resume=True)


@pytest.mark.parametrize(("checkpoints", "first"), [(4, 4), (2, 4), (1, 0)])
def test_without_validation_a_long_run_is_kept_now_and_then(
    train_small, interrupted, monkeypatch, checkpoints, first
):
    monkeypatch.setattr(fit, "CHECKPOINTS", checkpoints)
    steps = interrupted(5)  # in the third of four epochs
    with pytest.raises(KeyboardInterrupt):
        train_small(training={"epochs": 4}, validation=0)
    train_small(training={"epochs": 4}, validation=0, resume=True)
    assert steps[steps.index("Ctrl-C") + 1] == first


@pytest.mark.parametrize("workers", [0, 1])
def test_views_are_made_where_the_network_is_unless_other_processes_do(workers):
    settings = RunSettings(training=TrainingSettings(workers=workers, seed=3))
    loader = fit._loader([None], settings, torch.device("meta"))
    assert loader.generator.initial_seed() == settings.training.seed
    assert str(loader.dataset.device) == ("cpu" if workers else "meta")
    assert loader.num_workers == workers


@pytest.mark.parametrize("validation", [0, 2])
def test_a_finished_run_that_is_resumed_gives_the_same_model(train_small, tmp_path, validation):
    first = train_small(validation=validation)
    metrics = (tmp_path / "run" / "logs" / "metrics.csv").read_text()
    again = train_small(validation=validation, resume=True)
    assert is_same(first.weights, again.weights)
    assert again.card == first.card
    assert (tmp_path / "run" / "logs" / "metrics.csv").read_text() == metrics


def weights_of(folder):
    net = EmbeddingNet(read_card(folder).net)
    load_weights(net, folder / "weights.safetensors")
    return dict(net.named_parameters())


FROZEN = {"epochs": 1, "learning_rate": 1e-12, "averaging": 0.0}


def test_it_starts_from_the_weights_of_a_model(train_small, tiny_model):
    trained = train_small(start=tiny_model, training=FROZEN)
    theirs = weights_of(tiny_model)
    ours = {name: trained.weights[name] for name in theirs}
    assert is_same(ours, theirs, atol=1e-7)
    assert (
        trained.card.trained_on == f"4 photos, from the weights of tiny: {read_card(tiny_model).trained_on}"
    )
    assert trained.card.licence == read_card(tiny_model).licence
    scratch = train_small("scratch", training=FROZEN | {"seed": 1})  # the model itself is of seed 0
    assert not is_same({name: scratch.weights[name] for name in theirs}, theirs, atol=1e-7)


def test_a_share_of_the_start_stays_in_the_weights_and_the_statistics(train_small, tiny_model):
    plain = {"epochs": 1, "learning_rate": 0.1}
    alone = train_small("alone", start=tiny_model, training=plain).weights
    trained = train_small("mixed", start=tiny_model, training=plain | {"start_share": 0.75})
    mixed = trained.weights
    assert trained.card.scores == {}  # they would be of other weights
    theirs = load_file(tiny_model / "weights.safetensors")
    assert not is_same(alone, theirs, atol=1e-3)
    for name, value in mixed.items():
        expected = 0.75 * theirs[name] + 0.25 * alone[name] if value.is_floating_point() else alone[name]
        assert torch.allclose(value, expected, atol=1e-5), name


def test_a_share_of_no_start_is_refused(train_small, tmp_path):
    with pytest.raises(SettingsError, match=r"start_share .*--from"):
        train_small(training={"start_share": 0.5})
    assert not (tmp_path / "run").exists()


def test_stopped_before_the_first_checkpoint_it_still_goes_on_from_that_model(
    train_small, interrupted, tiny_model
):
    interrupted(1)
    with pytest.raises(KeyboardInterrupt):
        train_small(start=tiny_model, training=FROZEN)
    trained = train_small(resume=True, training=FROZEN)
    theirs = weights_of(tiny_model)
    assert is_same({name: trained.weights[name] for name in theirs}, theirs, atol=1e-7)


def test_a_model_of_another_network_is_no_start(train_small, tiny_model, tmp_path):
    with pytest.raises(SettingsError, match=r"its network is .*; give the same net settings") as failure:
        train_small(start=tiny_model, net={"embedding_size": 5})
    assert "\n" not in str(failure.value)
    with pytest.raises(ModelError):
        train_small(start=tmp_path)
    assert not (tmp_path / "run").exists()


def test_what_failed_before_it_began_can_be_started_again(train_small):
    with pytest.raises(ModelError, match="timm has no encoder"):
        train_small(net={"encoder": "test_byobnett"})
    assert train_small(validation=0, training=ONE_EPOCH).weights


def test_a_second_run_in_one_folder_is_refused(train_small, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "settings.toml").touch()
    with pytest.raises(OutputError, match=r"holds a training run already; add --resume"):
        train_small()
    assert files_of(tmp_path / "run") == {"settings.toml"}


def test_a_file_in_the_folders_place_is_refused(train_small, tmp_path):
    (tmp_path / "run").touch()
    with pytest.raises(OutputError, match=re.escape(str(tmp_path / "run"))):
        train_small()


def test_without_photos_there_is_nothing_to_train_on(tmp_path):
    with pytest.raises(DatasetError, match="no photo to train on"):
        train([], [], tmp_path, RunSettings())


@pytest.mark.parametrize(
    "hardware",
    [
        Hardware(accelerator="gpuu"),
        Hardware("cpu", devices="two"),
        Hardware("cpu", devices="0"),
        Hardware("cpu", precision="7"),
        pytest.param(
            Hardware(accelerator="cuda"),
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU"),
        ),
    ],
    ids=lambda hardware: f"{hardware.accelerator} {hardware.devices} {hardware.precision}",
)
def test_hardware_that_cannot_be_is_one_line(train_small, tmp_path, hardware):
    with pytest.raises(SettingsError) as failure:
        train_small(hardware=hardware)
    assert "\n" not in str(failure.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("rank", [0, 1])
def test_of_the_processes_of_a_run_on_several_devices_one_writes(train_small, tmp_path, monkeypatch, rank):
    """Lightning starts the same command once more for each further device, when the folder is made already."""
    monkeypatch.setenv("LOCAL_RANK", str(rank))
    monkeypatch.setattr(rank_zero_only, "rank", 0)  # what Lightning sets it to ends with this test
    monkeypatch.setattr(Trainer, "fit", lambda *_, **__: None)
    out = tmp_path / "run"
    if rank == 0:
        assert train_small(validation=0, hardware=Hardware("cpu", devices="2")).folder == out / "model"
        assert files_of(out) == {"settings.toml", "split.json"}
    else:
        out.mkdir()
        (out / "settings.toml").touch()
        with pytest.raises(IndexError):  # of what was written: nothing
            train_small(validation=0, hardware=Hardware("cpu", devices="2"))
        assert files_of(out) == {"settings.toml"}


def test_photos_are_loaded_by_processes_of_their_own_where_asked(train_small):
    of_one, of_none = (
        train_small(
            f"of_{n}", validation=0, augment={"kind": "none"}, training=ONE_EPOCH | {"workers": n}
        ).weights
        for n in (1, 0)
    )
    assert is_same(of_one, of_none)  # the views are the same, as nothing about them is random


@pytest.fixture
def net(tiny_model):
    return EmbeddingNet(read_card(tiny_model).net)


def test_a_model_that_cannot_be_written_leaves_the_one_before(tiny_model, net, tmp_path, monkeypatch):
    folder, card = tmp_path / "model", read_card(tiny_model)
    folder.mkdir()
    (folder / "model.toml").write_text("the one before")

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model_folder, "export_onnx", fail)
    with pytest.raises(OutputError, match="the model cannot be written") as failure:
        fit.write_model(folder, net, card)
    assert "\n" not in str(failure.value)
    assert files_of(folder) == {"model.toml"}
    # and what is left of the attempt is not in the way of the next
    monkeypatch.setattr(model_folder, "export_onnx", lambda net, path, input_size: path.touch())
    assert fit.write_model(folder, net, card) == folder
    assert files_of(tmp_path) == {"model/model.toml", "model/embedding.onnx", "model/weights.safetensors"}
    assert read_card(folder) == card
