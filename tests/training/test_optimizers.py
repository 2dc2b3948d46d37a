"""Learning rates over a training, by their definitions."""

import pytest
import torch

from leafwise.config import OptimizerSettings
from leafwise.training.optimizers import make_optimizer


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
    rates = rates_of(40, epochs=10)
    assert max(rates) == pytest.approx(0.1)
    assert rates.index(max(rates)) in range(8, 16)
    assert rates[-1] < 1e-4


def test_sgd_has_the_papers_momentum():
    parts = make_optimizer(
        [torch.nn.Parameter(torch.zeros(1))], OptimizerSettings(optimizer="sgd", schedule="multi_step"), 4
    )
    group = parts["optimizer"].param_groups[0]
    assert (group["momentum"], group["nesterov"]) == (0.9, True)


@pytest.mark.parametrize(("optimizer", "kind"), [("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)])
def test_the_optimizer_is_the_one_of_its_name_with_the_weight_decay_that_is_set(optimizer, kind):
    settings = OptimizerSettings(optimizer=optimizer, weight_decay=0.25)
    parts = make_optimizer([torch.nn.Parameter(torch.zeros(1))], settings, 4)
    assert type(parts["optimizer"]) is kind
    assert parts["optimizer"].param_groups[0]["weight_decay"] == 0.25
    assert parts["lr_scheduler"]["interval"] == "step"


@pytest.mark.parametrize("schedule", ["one_cycle", "cyclic", "multi_step"])
def test_a_training_of_one_step_has_a_rate_too(schedule):
    (rate,) = rates_of(1, epochs=1, schedule=schedule)
    assert 0 < rate <= 0.1
