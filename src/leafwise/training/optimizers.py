"""Optimisers and learning rates, for both networks."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from timm.optim import muon
from torch import Tensor

from leafwise.config import OptimizerSettings
from leafwise.training.precision import computes_bfloat16


class Muon(muon.Muon):
    """timm's, with orthogonal steps in float32 on a machine that has no bfloat16: on a CPU 20 times as fast."""

    def step(self, closure: Any = None) -> Any:
        """One step of the optimiser: torch's own signature."""
        device = self.param_groups[0]["params"][0].device.type
        with nullcontext() if computes_bfloat16(device) else _orthogonal_in_float32():
            return super().step(closure)  # type: ignore[no-untyped-call]


@contextmanager
def _orthogonal_in_float32() -> Iterator[None]:
    """timm takes bfloat16 whatever the machine, and has no setting for it."""
    orthogonal = muon.zeropower_via_newtonschulz
    muon.zeropower_via_newtonschulz = partial(orthogonal, dtype=torch.float32)
    try:
        yield
    finally:
        muon.zeropower_via_newtonschulz = orthogonal


def make_optimizer(parameters: Sequence[Tensor], settings: OptimizerSettings, steps: int) -> dict[str, Any]:
    """An optimiser with its schedule over `steps` steps, in the form that Lightning takes.

    AdamW or Muon with one cycle, or the paper's SGD with a cyclic rate (embedding net, section 4.3) or one that
    falls by 10 at milestones (ClusterNet, section 4.4); any other combination too.

    Muon (Jordan et al. 2024) makes the step of a convolution's weights orthogonal, and scales it to the size of AdamW's
    (Liu et al. 2025), so that both take the same rates; depthwise weights, biases and norms are NAdamW's.
    """
    optimizer: torch.optim.Optimizer
    if settings.optimizer == "adamw":
        optimizer = torch.optim.AdamW(parameters, settings.learning_rate, weight_decay=settings.weight_decay)
    elif settings.optimizer == "muon":
        optimizer = Muon(
            parameters,
            settings.learning_rate,
            weight_decay=settings.weight_decay,
            nesterov=True,
            betas=(0.9, 0.999),  # torch's own for AdamW
        )
    else:
        optimizer = torch.optim.SGD(
            parameters,
            settings.learning_rate,
            momentum=0.9,
            nesterov=True,
            weight_decay=settings.weight_decay,
        )
    schedule = _schedule(optimizer, settings, steps)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _schedule(
    optimizer: torch.optim.Optimizer, settings: OptimizerSettings, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    if settings.schedule == "one_cycle":
        steps = max(steps, 3)
        warm_up = max(settings.warm_up, 1.5 / steps)  # OneCycleLR divides by warm_up * steps - 1
        return torch.optim.lr_scheduler.OneCycleLR(
            optimizer, settings.learning_rate, total_steps=steps, pct_start=warm_up
        )
    if settings.schedule == "multi_step":
        milestones = [steps * epoch // settings.epochs for epoch in settings.milestones]
        return torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones, gamma=0.1)
    return torch.optim.lr_scheduler.CyclicLR(
        optimizer,
        settings.lowest_learning_rate,
        settings.learning_rate,
        step_size_up=max(steps * settings.half_cycle_epochs // settings.epochs, 1),
        cycle_momentum=False,
    )
