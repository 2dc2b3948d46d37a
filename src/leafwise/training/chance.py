"""Random numbers for the views, from torch's generator, which the run's seed sets."""

import torch


def chance() -> float:
    """A number drawn evenly from [0, 1)."""
    return float(torch.rand(()))


def between(low: float, high: float) -> float:
    """A number drawn evenly from [low, high)."""
    return low + (high - low) * chance()


def happens(odds: float) -> bool:
    """Whether what has this chance happens. At 0 no number is drawn, so that those drawn later stay the same.

    >>> happens(0), happens(1)
    (False, True)
    """
    return odds > 0 and chance() < odds
