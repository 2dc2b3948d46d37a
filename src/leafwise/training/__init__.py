"""Training of both networks, on Lightning."""

from leafwise.training.fit import SPLIT_NAME, train
from leafwise.training.fit_cluster_net import train_cluster_net
from leafwise.training.trainer import SETTINGS_NAME, Hardware

__all__ = ["SETTINGS_NAME", "SPLIT_NAME", "Hardware", "train", "train_cluster_net"]
