"""Training of both networks, on Lightning."""

from leafwise.training.fit import train
from leafwise.training.fit_cluster_net import train_cluster_net
from leafwise.training.origin import refuse_other_photos
from leafwise.training.trainer import SETTINGS_NAME, TRAINED_BY, Hardware, refuse_second_run, what_trains

__all__ = [
    "SETTINGS_NAME",
    "TRAINED_BY",
    "Hardware",
    "refuse_other_photos",
    "refuse_second_run",
    "train",
    "train_cluster_net",
    "what_trains",
]
