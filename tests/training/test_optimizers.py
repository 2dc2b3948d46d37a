"""Learning rates over a training, by their definitions."""

import pytest
import torch
from timm.optim import muon

from leafwise.config import OptimizerSettings
from leafwise.training import optimizers
from leafwise.training.optimizers import Muon, make_optimizer


def rates_of(steps, **settings):
    parameter = torch.nn.Parameter(torch.zeros(1))
    parts = make_optimizer([parameter], OptimizerSettings(learning_rate=0.1, **settings), steps)
    rates = []
    for _ in range(steps):
        rates.append(parts["optimizer"].param_groups[0]["lr"])
        parts["optimizer"].step()
        parts["lr_scheduler"]["scheduler"].step()
    return rates


def test_multi_step_falls_by_ten_at_the_steps_of_its_epochs():
    rates = rates_of(40, epochs=10, schedule="multi_step", milestones=(3, 8))
    assert rates == pytest.approx([0.1] * 12 + [0.01] * 20 + [0.001] * 8)


def test_cyclic_rises_and_falls_between_its_ends():
    rates = rates_of(
        40, epochs=10, schedule="cyclic", optimizer="sgd", half_cycle_epochs=5, lowest_learning_rate=0.02
    )
    assert rates[0] == pytest.approx(0.02)
    assert rates[20] == pytest.approx(0.1)
    assert rates[10] == pytest.approx(rates[30]) == pytest.approx(0.06)


def test_one_cycle_peaks_once():
    rates = rates_of(40, epochs=10, warm_up=0.3)
    assert max(rates) == pytest.approx(0.1)
    assert rates.index(max(rates)) in range(8, 16)
    assert rates[-1] < 1e-4


def test_sgd_has_the_papers_momentum():
    parts = make_optimizer(
        [torch.nn.Parameter(torch.zeros(1))], OptimizerSettings(optimizer="sgd", schedule="multi_step"), 4
    )
    group = parts["optimizer"].param_groups[0]
    assert (group["momentum"], group["nesterov"]) == (0.9, True)


def test_muon_steps_a_convolution_by_the_nearest_orthogonal_matrix_and_a_bias_as_nadam():
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(8, 16, 3)
    weight, bias = layer.weight.detach().clone(), layer.bias.detach().clone()
    settings = OptimizerSettings(optimizer="muon", learning_rate=0.1, weight_decay=0, schedule="multi_step")
    optimizer = make_optimizer(list(layer.parameters()), settings, 4)["optimizer"]
    gradient, at_bias = torch.randn(16, 8 * 3 * 3), torch.randn(16)
    layer.weight.grad, layer.bias.grad = gradient.view_as(weight), at_bias
    optimizer.step()

    left, _, right = torch.linalg.svd(gradient, full_matrices=False)
    step = (weight - layer.weight.detach()).flatten(1)
    size = 0.1 * 0.2 * 72**0.5  # rate, and what gives the step the size of AdamW's (Liu et al. 2025)
    along = torch.diagonal(left.T @ step @ right.T) / size
    assert along == pytest.approx([1.0] * 16, abs=0.3)  # the iteration stops near 1, not at it
    assert torch.linalg.vector_norm(step) ** 2 == pytest.approx(
        float((along * size).square().sum()), rel=0.02
    )
    ahead = 1 + 0.9  # Nesterov's first step: the gradient, and its momentum once more
    assert bias - layer.bias.detach() == pytest.approx((0.1 * ahead * at_bias.sign()).numpy(), abs=1e-5)


@pytest.mark.parametrize("native", [True, False])
def test_muon_computes_in_float32_where_bfloat16_would_be_emulated(monkeypatch, native):
    formats, orthogonal = [], muon.zeropower_via_newtonschulz

    def note_format(*arguments, **options):
        formats.append(orthogonal(*arguments, **options).dtype)
        return orthogonal(*arguments, **options)

    monkeypatch.setattr(muon, "zeropower_via_newtonschulz", note_format)
    monkeypatch.setattr(optimizers, "computes_bfloat16", {"cpu": native}.get)
    weight = torch.nn.Parameter(torch.zeros(8, 4))
    optimizer = make_optimizer([weight], OptimizerSettings(optimizer="muon"), 4)["optimizer"]
    weight.grad = torch.eye(8, 4)
    optimizer.step()
    assert formats == [torch.bfloat16 if native else torch.float32]
    assert muon.zeropower_via_newtonschulz is note_format


def test_muon_is_timms_own_again_after_a_step_that_fails(monkeypatch):
    monkeypatch.setattr(optimizers, "computes_bfloat16", lambda accelerator: False)
    orthogonal = muon.zeropower_via_newtonschulz

    def fail():
        raise ValueError("stop")

    optimizer = Muon([torch.nn.Parameter(torch.zeros(8, 4))])
    with pytest.raises(ValueError, match="stop"):
        optimizer.step(fail)
    assert muon.zeropower_via_newtonschulz is orthogonal


@pytest.mark.parametrize(
    ("optimizer", "kind"), [("adamw", torch.optim.AdamW), ("muon", Muon), ("sgd", torch.optim.SGD)]
)
def test_the_optimizer_is_the_one_of_its_name_with_the_weight_decay_that_is_set(optimizer, kind):
    settings = OptimizerSettings(optimizer=optimizer, weight_decay=0.25)
    parts = make_optimizer([torch.nn.Parameter(torch.zeros(1))], settings, 4)
    assert type(parts["optimizer"]) is kind
    assert parts["optimizer"].param_groups[0]["weight_decay"] == 0.25
    assert parts["lr_scheduler"]["interval"] == "step"


@pytest.mark.parametrize("warm_up", [0.01, 0.1, 0.25, 0.5, 0.99])
def test_one_cycle_has_rates_for_any_number_of_steps(warm_up):
    for steps in range(1, 23):  # 0.1 of 10, 0.25 of 4 and 0.5 of 2 are a single step
        rates = rates_of(steps, warm_up=warm_up)
        assert all(0 < rate <= 0.1 for rate in rates)
        assert steps == 1 or max(rates) > 0.05


@pytest.mark.parametrize("schedule", ["one_cycle", "cyclic", "multi_step"])
def test_a_training_of_one_step_has_a_rate_too(schedule):
    (rate,) = rates_of(1, epochs=1, schedule=schedule)
    assert 0 < rate <= 0.1
