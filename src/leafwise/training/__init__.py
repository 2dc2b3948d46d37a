"""Training of the embedding network, on Lightning."""

from leafwise.training.fit import train

__all__ = ["train"]
