"""Random numbers for the views, from torch's generator, which the run's seed sets."""

import torch


def chance() -> float:
    """A number drawn evenly from [0, 1)."""
    return float(torch.rand(()))


def between(low: float, high: float) -> float:
    """A number drawn evenly from [low, high)."""
    return low + (high - low) * chance()


def happens(share: float) -> bool:
    """Whether a view is one of a share of them. At 0 no number is drawn, so that nothing else of a run changes.

    >>> happens(0), happens(1)
    (False, True)
    """
    return share > 0 and chance() < share
