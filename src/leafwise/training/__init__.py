"""Training of the embedding network, on Lightning."""

from leafwise.training.fit import SETTINGS_NAME, SPLIT_NAME, Hardware, train

__all__ = ["SETTINGS_NAME", "SPLIT_NAME", "Hardware", "train"]
