"""A run of ClusterNet from a model and photos to the model with it; what was interrupted goes on."""

import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from leafwise.config import ClusterNetSettings
from leafwise.datasets import seen_in
from leafwise.errors import DatasetError, LeafwiseError, ModelError, OutputError
from leafwise.models import load_model, read_card, write_card
from leafwise.nets import ClusterNet
from leafwise.segmenter import Segmenter
from leafwise.training import Hardware, fit_cluster_net, train_cluster_net
from leafwise.training.cluster_module import ClusterModule
from leafwise.training.fit_cluster_net import positive_weight_of, start_constant
from leafwise.training.origin import refuse_other_embeddings
from leafwise.training.segments import Segments

CPU = Hardware("cpu", devices="1", precision="32-true")
SMALL = ClusterNetSettings(epochs=2, batch_size=4, width=1, means="leaves", window=16)


@pytest.fixture(scope="module")
def seeing_model(tiny_model, tmp_path_factory):
    """The small model with a threshold so low that it takes all of a photo for plant."""
    folder = tmp_path_factory.mktemp("seeing") / "tiny"
    shutil.copytree(tiny_model, folder)
    card = read_card(folder)
    write_card(replace(card, clustering=replace(card.clustering, foreground_threshold=0.01)), folder)
    return folder


@pytest.fixture(scope="module")
def run(pairs, seeing_model, tmp_path_factory):
    out = tmp_path_factory.mktemp("cluster_net")
    return out, train_cluster_net(pairs[:2], seeing_model, out, SMALL, hardware=CPU)


def test_the_model_has_a_cluster_net_and_uses_it(run, seeing_model):
    out, folder = run
    assert folder == out / "model"
    assert {path.name for path in seeing_model.iterdir()} < {path.name for path in folder.iterdir()}
    assert read_card(folder).pipeline.steps == "hdbscan+cluster_net"
    assert read_card(seeing_model).pipeline.steps == "hdbscan"  # the model itself stays as it is
    model = load_model(folder, threads=1)
    masks = model.cluster_network.masks(np.random.default_rng(0).random((2, 32, 48), np.float32))
    assert masks.shape == (2, 32, 48)
    assert Segmenter(model).segment(np.zeros((64, 64, 3), np.uint8)).labels.shape == (64, 64)


def test_a_second_run_in_one_folder_is_refused(run, pairs, seeing_model):
    out, _ = run
    with pytest.raises(OutputError, match="add --resume"):
        train_cluster_net(pairs[:2], seeing_model, out, SMALL, hardware=CPU)


def test_what_it_learnt_from_is_written_down(run, pairs, seeing_model):
    out, _ = run
    seen = seen_in(out / "split.json")
    assert seen.names == {pair.name for pair in pairs[:2]}
    assert seen.unknown == str(seeing_model.resolve())  # what taught the embeddings is not known


def test_a_run_of_another_model_or_of_other_photos_is_not_resumed(run, pairs, seeing_model, tmp_path):
    out, _ = run
    other = shutil.copytree(seeing_model, tmp_path / "other")
    with (other / "embedding.onnx").open("ab") as file:
        file.write(b"\x00\x00")  # another network, as far as bytes tell
    with pytest.raises(OutputError, match=r"holds a ClusterNet of another model than .*other; name"):
        refuse_other_embeddings(out, other)
    refuse_other_embeddings(out, shutil.copytree(seeing_model, tmp_path / "moved"))
    (tmp_path / "older").mkdir()
    refuse_other_embeddings(tmp_path / "older", other)  # says nothing of its model
    with pytest.raises(OutputError, match="holds a training of other photos"):
        train_cluster_net(pairs[:3], seeing_model, out, SMALL, resume=True, hardware=CPU)


def test_a_resumed_run_keeps_its_settings(run, pairs, seeing_model, tmp_path):
    out, _ = run
    with pytest.raises(OutputError, match=r"other settings \(cluster_net.width\)"):
        train_cluster_net(pairs[:2], seeing_model, out, replace(SMALL, width=2), resume=True, hardware=CPU)
    (tmp_path / "settings.toml").write_text("[net]\nembedding_size = 4\n[cluster_net]\nepochs = 2\n")
    with pytest.raises(OutputError, match="another kind of network"):
        train_cluster_net(pairs[:2], seeing_model, tmp_path, SMALL, resume=True, hardware=CPU)


def test_models_of_other_grids_are_refused(pairs, seeing_model, tmp_path):
    coarse = shutil.copytree(seeing_model, tmp_path / "coarse")
    card = read_card(coarse)
    looks = replace(card.looks, input_size=2 * card.looks.input_size)
    write_card(replace(card, looks=looks), coarse)
    with pytest.raises(ModelError, match="different sizes"):
        train_cluster_net(
            pairs[:1], seeing_model, tmp_path / "out", SMALL, others=[(coarse, pairs[1:2])], hardware=CPU
        )


def test_models_that_differ_in_knowing_a_foreground_are_refused(pairs, seeing_model, painted_model, tmp_path):
    others = [(painted_model, pairs[:1])]
    with pytest.raises(ModelError, match="some of the models know a foreground"):
        train_cluster_net([], seeing_model, tmp_path / "out", SMALL, others=others, hardware=CPU)


def test_a_model_that_sees_no_leaf_is_told_of(pairs, tiny_model, tmp_path):
    card = read_card(tiny_model)
    blind = tmp_path / "blind"
    shutil.copytree(tiny_model, blind)
    write_card(replace(card, clustering=replace(card.clustering, foreground_threshold=0.999)), blind)
    with pytest.raises(DatasetError, match="sees no leaf"):
        train_cluster_net(pairs[:1], blind, tmp_path / "out", SMALL, hardware=CPU)


def test_without_photos_there_is_nothing_to_learn(seeing_model, tmp_path):
    with pytest.raises(DatasetError, match="no photo"):
        train_cluster_net([], seeing_model, tmp_path, SMALL, hardware=CPU)


def test_photos_that_other_models_show_are_learnt_from_too(pairs, seeing_model, tmp_path, monkeypatch):
    counts = []
    monkeypatch.setattr(fit_cluster_net, "add_cluster_net", lambda net, model, folder: folder)
    monkeypatch.setattr(
        fit_cluster_net, "SegmentSet", lambda segments: counts.append(len(segments.masks)) or []
    )
    monkeypatch.setattr(fit_cluster_net, "DataLoader", lambda *_, **__: None)
    monkeypatch.setattr("lightning.Trainer.fit", lambda *_, **__: None)
    own, other, both = tmp_path / "own", tmp_path / "other", tmp_path / "both"
    train_cluster_net(pairs[:1], seeing_model, own, SMALL, hardware=CPU)
    train_cluster_net([], seeing_model, other, SMALL, others=[(seeing_model, pairs[1:2])], hardware=CPU)
    train_cluster_net(pairs[:1], seeing_model, both, SMALL, others=[(seeing_model, pairs[1:2])], hardware=CPU)
    assert counts[2] == counts[0] + counts[1] > counts[0] > 0


def test_an_interrupted_run_goes_on_from_its_last_epoch(pairs, seeing_model, tmp_path, monkeypatch):
    kept = []

    def keep(net, model, folder):
        kept.append({name: value.clone() for name, value in net.state_dict().items()})
        return folder

    monkeypatch.setattr(fit_cluster_net, "add_cluster_net", keep)
    step, stop_at = ClusterModule.training_step, 1

    def stop_in_second_epoch(module, batch, index):
        if module.current_epoch == stop_at:
            raise KeyboardInterrupt
        return step(module, batch, index)

    monkeypatch.setattr(ClusterModule, "training_step", stop_in_second_epoch)
    with pytest.raises(KeyboardInterrupt):
        train_cluster_net(pairs[:2], seeing_model, tmp_path / "parts", SMALL, hardware=CPU)
    epochs = []

    def note_epoch(module, batch, index):
        epochs.append(module.current_epoch)
        return step(module, batch, index)

    monkeypatch.setattr(ClusterModule, "training_step", note_epoch)
    train_cluster_net(pairs[:2], seeing_model, tmp_path / "parts", SMALL, resume=True, hardware=CPU)
    assert set(epochs) == {1}
    train_cluster_net(pairs[:2], seeing_model, tmp_path / "whole", SMALL, hardware=CPU)
    assert all(torch.equal(value, kept[1][name]) for name, value in kept[0].items())


def test_the_loss_weighs_leaf_pixels():
    net = ClusterNet(1).eval()
    module = ClusterModule(net, SMALL, positive_weight=7.0)
    module.log = lambda *_: None
    likelihood, masks = torch.rand(2, 1, 16, 16), (torch.rand(2, 16, 16) > 0.5).float()
    chance = net(likelihood).sigmoid().clamp(1e-7, 1 - 1e-7)
    expected = -(7 * masks * chance.log() + (1 - masks) * (1 - chance).log()).mean()
    torch.testing.assert_close(module.training_step((likelihood, masks), 0), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_told_with_what_to_do(value):
    module = ClusterModule(ClusterNet(1).eval(), SMALL, positive_weight=7.0)
    module.log = lambda *_: None
    likelihood, masks = torch.full((2, 1, 16, 16), value), torch.ones(2, 16, 16)
    with pytest.raises(LeafwiseError, match=r"at step 0; lower cluster_net\.learning_rate"):
        module.training_step((likelihood, masks), 0)


def test_the_weight_is_measured_where_it_is_not_set():
    masks = np.zeros((2, 4, 5), bool)
    masks[0, 0, :4] = True  # 4 of 40: nine others for each
    segments = Segments(np.zeros((2, 4, 5), np.float16), masks)
    assert positive_weight_of(segments, ClusterNetSettings(positive_weight=0)) == pytest.approx(9)
    assert positive_weight_of(segments, ClusterNetSettings(positive_weight=105)) == 105


@pytest.mark.parametrize("weight", [1.0, 9.0])
def test_a_new_network_begins_at_the_best_constant(weight):
    net = ClusterNet(1)
    start_constant(net, 0.1, weight)
    bias, masks = float(net.last.bias.detach()), torch.zeros(10)
    masks[0] = 1

    def loss(logit):
        return float(
            F.binary_cross_entropy_with_logits(
                torch.full((10,), logit), masks, pos_weight=torch.tensor(weight)
            )
        )

    assert loss(bias) < min(loss(bias - 0.1), loss(bias + 0.1))
    assert math.isfinite(bias)
