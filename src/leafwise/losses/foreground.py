"""The loss of the foreground head: which pixels belong to any instance."""

import torch
import torch.nn.functional as F
from torch import Tensor


def foreground_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy plus soft Dice loss of the foreground, a scalar tensor.

    Args:
        logits: (B, h, w), any float type.
        labels: integer (B, H, W), 0 = background; logits of another size are scaled to it (bilinear).

    The Dice part (Milletari et al. 2016) is over the whole batch, so that an image without foreground is fine.
    """
    with torch.autocast(logits.device.type, enabled=False):
        logits = logits if logits.dtype == torch.float64 else logits.float()
        if logits.shape[1:] != labels.shape[1:]:
            logits = F.interpolate(logits[:, None], labels.shape[1:], mode="bilinear")[:, 0]
        truth = (labels > 0).to(logits.dtype)
        chances = logits.sigmoid()
        dice = (2 * (chances * truth).sum() + 1) / (chances.sum() + truth.sum() + 1)
        return F.binary_cross_entropy_with_logits(logits, truth) + 1 - dice
