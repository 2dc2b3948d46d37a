"""A step of the training: which terms of the loss it takes and logs."""

import pytest
import torch

from leafwise.config import AugmentSettings, LossSettings, NetSettings, RunSettings, TrainingSettings
from leafwise.errors import LeafwiseError
from leafwise.nets import EmbeddingNet
from leafwise.training import module as module_of_training
from leafwise.training.module import EmbeddingModule


@pytest.fixture(scope="module")
def net():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return EmbeddingNet(
            NetSettings(encoder="test_byobnet", encoder_weights="none", embedding_size=4)
        ).eval()


@pytest.fixture
def step(net):
    """One training step on two images of four squares: step(loss settings) -> what is logged, by name."""
    images = torch.rand((2, 3, 64, 64), generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[[1, 2], [0, 7]], [[0, 0], [3, 4]]])
    labels = labels.repeat_interleave(32, 1).repeat_interleave(32, 2)

    def take(**loss):
        module, logged = EmbeddingModule(net, RunSettings(loss=LossSettings(**loss))), {}
        module.log_dict = lambda values, **_: logged.update(values)
        module.log = lambda name, value, **_: logged.update({name: value})
        assert module.training_step((images, labels), 0) is logged["loss"]
        return {name: value.item() for name, value in logged.items()}

    return take


@pytest.mark.parametrize("pixel_weights", ["uniform", "border"])
def test_the_loss_is_the_weighted_sum_of_the_terms_with_the_edge(step, pixel_weights):
    weights = {"pull": 2.0, "push": 3.0, "reg": 0.25, "edge": 0.5, "overlap": 4.0, "foreground": 7.0}
    logged = step(
        **{f"{name}_weight": weight for name, weight in weights.items()},
        edge_pixels=20,
        pixel_weights=pixel_weights,
    )
    assert logged.keys() == {"loss", *(f"loss/{name}" for name in weights)}
    assert logged["loss/edge"] > 0
    assert logged["loss"] == pytest.approx(
        sum(weight * logged[f"loss/{name}"] for name, weight in weights.items())
    )


def test_terms_without_a_weight_are_not_logged(step):
    assert step(overlap_weight=0.0).keys() == {
        "loss",
        "loss/pull",
        "loss/push",
        "loss/reg",
        "loss/foreground",
    }


def test_the_weights_of_the_mean_change_the_loss(step):
    kinds = ("uniform", "key_points", "border")
    assert len({step(pixel_weights=kind, pull_margin=0.0)["loss"] for kind in kinds}) == 3


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_is_told_with_what_to_do(net, monkeypatch, value):
    monkeypatch.setattr(module_of_training, "foreground_loss", lambda logits, _: logits.sum() * 0 + value)
    module, logged = EmbeddingModule(net, RunSettings()), []
    module.log_dict = module.log = lambda *values, **_: logged.append(values)
    with pytest.raises(LeafwiseError, match=r"at step 0; lower training\.learning_rate"):
        module.training_step((torch.rand(2, 3, 64, 64), torch.ones(2, 64, 64, dtype=torch.int64)), 0)
    assert logged == []


@pytest.mark.parametrize(("epochs", "epoch", "side"), [(11, 0, 32), (11, 4, 64), (11, 10, 96), (1, 0, 96)])
def test_views_grow_with_the_epochs(net, monkeypatch, epochs, epoch, side):
    settings = RunSettings(training=TrainingSettings(epochs=epochs, grow_from=32))
    module, sides = EmbeddingModule(net, settings), []
    module.log_dict = module.log = lambda *_, **__: None
    monkeypatch.setattr(EmbeddingModule, "current_epoch", epoch)
    watch = net.register_forward_pre_hook(lambda _, inputs: sides.append(inputs[0].shape[-1]))
    module.training_step((torch.rand(2, 3, 96, 96), torch.ones(2, 96, 96, dtype=torch.int64)), 0)
    watch.remove()
    assert sides == [side]


@pytest.mark.parametrize(
    ("autocast", "layout"), [(False, torch.contiguous_format), (True, torch.channels_last)]
)
def test_the_network_gets_views_in_the_layout_that_it_learns_from_fastest(net, autocast, layout):
    module, seen = EmbeddingModule(net, RunSettings()), []
    module.log_dict = module.log = lambda *_, **__: None
    watch = net.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        module.training_step((torch.rand(2, 3, 64, 64), torch.ones(2, 64, 64, dtype=torch.int64)), 0)
    watch.remove()
    assert seen[0].is_contiguous(memory_format=layout)


@pytest.mark.parametrize(("kind", "changed"), [("zoom", True), ("paper", False), ("none", False)])
def test_colours_change_in_training_views_of_kind_zoom_alone(net, kind, changed):
    module, seen = EmbeddingModule(net, RunSettings(augment=AugmentSettings(kind=kind))), []
    module.log_dict = module.log = lambda *_, **__: None
    images, labels = torch.full((2, 3, 64, 64), 0.5), torch.ones(2, 64, 64, dtype=torch.int64)
    watch = net.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    module.training_step((images, labels), 0)
    module.validation_step((images, labels), 0)
    watch.remove()
    assert torch.equal(*seen) is not changed


@pytest.mark.parametrize(
    ("share", "epoch", "kept"), [(0.0, 9, False), (0.3, 6, False), (0.3, 7, True), (1.0, 0, True)]
)
def test_batch_norms_keep_their_statistics_in_the_last_epochs(monkeypatch, share, epoch, kept):
    net = EmbeddingNet(NetSettings(encoder="test_byobnet", encoder_weights="none", embedding_size=4)).train()
    module = EmbeddingModule(
        net, RunSettings(training=TrainingSettings(epochs=10, settle_norms=share, batch_size=1))
    )
    module.log_dict = module.log = lambda *_, **__: None
    monkeypatch.setattr(EmbeddingModule, "current_epoch", epoch)
    before = {name: value.clone() for name, value in net.named_buffers() if "running" in name}
    module.on_train_epoch_start()
    module.training_step((torch.rand(2, 3, 64, 64), torch.ones(2, 64, 64, dtype=torch.int64)), 0)
    changed = [not torch.equal(before[name], value) for name, value in net.named_buffers() if name in before]
    assert len(changed) > 0
    assert not any(changed) if kept else all(changed)


def test_the_grid_learns_of_every_pixel_of_its_cells(net, monkeypatch):
    module, seen = EmbeddingModule(net, RunSettings()), set()
    module.log_dict = module.log = lambda *_, **__: None
    row, col = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    labels = (1 + net.stride * (row % net.stride) + col % net.stride)[
        None
    ]  # the place in its cell of the grid

    def note(embeddings, on_grid, settings):
        assert on_grid.shape == (1, 64 // net.stride, 64 // net.stride)
        (place,) = on_grid.unique().tolist()
        seen.add(place)
        return {"pull": embeddings.sum()}

    monkeypatch.setattr(module_of_training, "embedding_terms", note)
    torch.manual_seed(0)
    for _ in range(20 * net.stride**2):
        module.training_step((torch.rand(1, 3, 64, 64), labels), 0)
    assert seen == set(range(1, net.stride**2 + 1))
    assert len(seen) > 1
