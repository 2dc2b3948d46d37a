"""The Lightning module of the embedding network: loss, optimiser, validation."""

from typing import Any

import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from leafwise.clustering import CLUSTERINGS
from leafwise.config import RunSettings
from leafwise.errors import LeafwiseError
from leafwise.losses import embedding_terms, foreground_loss, weigh
from leafwise.metrics import score_labels
from leafwise.models.card import IMAGENET_MEAN, IMAGENET_STD
from leafwise.nets import EmbeddingNet
from leafwise.training.color_jitter import jitter_colors
from leafwise.training.cpu import fast_layout
from leafwise.training.optimizers import make_optimizer
from leafwise.training.views import shrink_views, size_at

SCORES = "scores"  # of the last validation, in a checkpoint
Batch = tuple[Tensor, Tensor]  # float images (B, 3, h, w) in [0, 1], integer labels (B, h, w)


class EmbeddingModule(lightning.LightningModule):
    """Trains an EmbeddingNet on the discriminative loss and, where it has the head, on the foreground."""

    mean: Tensor
    std: Tensor

    def __init__(self, net: EmbeddingNet, settings: RunSettings) -> None:
        super().__init__()
        self.net = net
        self.settings = settings
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD)[:, None, None], persistent=False)

    def _outputs(self, images: Tensor) -> Any:
        return self.net(fast_layout((images - self.mean) / self.std))

    def on_train_epoch_start(self) -> None:
        """In the last epochs, let batch norms normalise as they will in use: by the statistics that they have kept.

        A batch of few views is normalised by its own statistics, and what is unlike all other photos, a seedling on a
        white table, may be learnt with them alone.
        """
        training = self.settings.training
        if self.current_epoch >= round((1 - training.settle_norms) * training.epochs):
            for module in self.net.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """The loss of a batch, its terms logged apart."""
        last = self.settings.training.epochs - 1
        progress = self.current_epoch / last if last else 1.0
        size = size_at(progress, self.settings.training.grow_from, batch[0].shape[-1])
        images, labels = shrink_views(*batch, size)
        if self.settings.augment.kind == "zoom":
            images = jitter_colors(images, self.settings.augment)
        loss = self.settings.loss
        outputs = self._outputs(images)
        # a random one of each grid cell's pixels: always the same would shift the embeddings off the cell's middle
        row, col = torch.randint(self.net.stride, (2,)).tolist()
        on_grid = labels[:, row :: self.net.stride, col :: self.net.stride]
        terms = embedding_terms(outputs.embeddings, on_grid, loss)
        if outputs.foreground is not None:
            terms["foreground"] = foreground_loss(outputs.foreground, labels)
        total = weigh(terms, loss)
        if not torch.isfinite(total):
            raise LeafwiseError(
                f"the loss is not a finite number at step {self.global_step}; lower training.learning_rate"
            )
        self.log_dict({f"loss/{name}": value for name, value in terms.items()}, on_step=False, on_epoch=True)
        self.log("loss", total, prog_bar=True, on_step=True, on_epoch=False)
        return total

    def validation_step(self, batch: Batch, batch_index: int) -> dict[str, Any]:
        """SBD, FBD and |DiC| of a batch on the network's grid, logged; returns its label maps."""
        images, labels = batch
        found = self.label_maps(images)
        first, stride = self.net.stride // 2, self.net.stride
        truths = labels[:, first::stride, first::stride].cpu().numpy()
        scores = [score_labels(truth, labels) for truth, labels in zip(truths, found, strict=True)]
        means = {
            "val_sbd": float(np.mean([score.sbd for score in scores])),
            "val_fbd": float(np.mean([score.fbd for score in scores])),
            "val_abs_dic": float(np.mean([abs(score.dic) for score in scores])),
        }
        self.log_dict(means, batch_size=len(images), on_epoch=True, sync_dist=True)
        return {"labels": found}

    def label_maps(self, images: Tensor) -> list[NDArray[np.int32]]:
        """Images float (B, 3, h, w) in [0, 1] -> B label maps int32 on the network's grid, by clustering."""
        outputs = self._outputs(images)
        embeddings = outputs.embeddings.detach().float().cpu().numpy()
        settings, cluster = self.settings.clustering, CLUSTERINGS[self.settings.pipeline.clustering]
        if outputs.foreground is None:
            return [cluster(one, None, settings) for one in embeddings]
        foregrounds = (outputs.foreground.sigmoid() > settings.foreground_threshold).cpu().numpy()
        return [cluster(one, mask, settings) for one, mask in zip(embeddings, foregrounds, strict=True)]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the last validation's scores beside the weights that they are of."""
        metrics = self.trainer.callback_metrics
        checkpoint[SCORES] = {name: float(value) for name, value in metrics.items() if "val_" in name}

    def configure_optimizers(self) -> Any:
        """As the settings say; a frozen encoder's parameters stay as they are."""
        parameters = [parameter for parameter in self.parameters() if parameter.requires_grad]
        return make_optimizer(
            parameters, self.settings.training, int(self.trainer.estimated_stepping_batches)
        )
