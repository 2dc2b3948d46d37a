"""Trial: the loss of a ClusterNet's masks, through the likelihood images back to the embeddings."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MOST = 3  # leaves of an image in a step


def masks_loss(embeddings: Tensor, labels: Tensor, cluster_net: nn.Module) -> Tensor:
    """Binary cross-entropy of the masks of some leaves from their true means, on the foreground: a scalar.

    (B, D, h, w), integer (B, h, w), and a network of (n, 1, h, w) -> logits (n, h, w).
    """
    losses = []
    for image, truth in zip(embeddings.float(), labels, strict=True):
        numbers = truth.unique()
        numbers = numbers[numbers > 0]
        if not len(numbers):
            continue
        numbers = numbers[torch.randperm(len(numbers))[:MOST]]
        masks = (truth == numbers[:, None, None]).float()
        inside = (truth > 0).float()
        centers = torch.einsum("dhw,khw->kd", image, masks) / masks.sum((1, 2))[:, None]
        distances = torch.linalg.vector_norm(image[None] - centers[:, :, None, None], dim=1)
        farthest = (distances * inside).amax((1, 2), keepdim=True).clamp(min=1e-3)
        likelihood = (1 - distances / farthest) * inside
        logits = cluster_net(likelihood[:, None].contiguous(memory_format=torch.channels_last)).float()
        losses.append(
            (F.binary_cross_entropy_with_logits(logits, masks, reduction="none") * inside).sum()
            / inside.sum()
            / len(masks)
        )
    return torch.stack(losses).mean() if losses else embeddings.sum() * 0
