"""Training of the embedding network, on Lightning."""

from leafwise.training.fit import Hardware, train

__all__ = ["Hardware", "train"]
