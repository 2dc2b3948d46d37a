"""Random numbers of the views, from torch's own generator: the trainer's seed says what they are."""

import torch


def chance() -> float:
    """Anything in [0, 1)."""
    return float(torch.rand(()))


def between(low: float, high: float) -> float:
    """Anything from `low` to `high`."""
    return low + (high - low) * chance()
