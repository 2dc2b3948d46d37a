"""The Lightning module of ClusterNet: loss and optimiser."""

from typing import Any

import lightning
import torch
import torch.nn.functional as F
from torch import Tensor

from leafwise.config import ClusterNetSettings
from leafwise.errors import LeafwiseError
from leafwise.nets import ClusterNet
from leafwise.training.optimizers import make_optimizer

Batch = tuple[Tensor, Tensor]  # likelihood images float (B, 1, h, w), masks float (B, h, w)


class ClusterModule(lightning.LightningModule):
    """Trains a ClusterNet on binary cross-entropy, leaf pixels weighing `positive_weight` (paper, section 4.4)."""

    positive_weight: Tensor

    def __init__(self, net: ClusterNet, settings: ClusterNetSettings, positive_weight: float) -> None:
        super().__init__()
        self.net = net
        self.settings = settings
        self.register_buffer("positive_weight", torch.tensor(positive_weight), persistent=False)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """The loss of a batch, logged."""
        likelihood, masks = batch
        logits = self.net(likelihood)
        loss = F.binary_cross_entropy_with_logits(logits.float(), masks, pos_weight=self.positive_weight)
        if not torch.isfinite(loss):
            raise LeafwiseError(
                f"the loss is not a finite number at step {self.global_step}; lower cluster_net.learning_rate"
            )
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> Any:
        """As the settings say."""
        steps = int(self.trainer.estimated_stepping_batches)
        return make_optimizer(list(self.parameters()), self.settings, steps)
