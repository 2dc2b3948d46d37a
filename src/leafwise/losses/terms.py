"""All terms of the loss on embeddings as the settings have them, apart and unweighted, and their weighted sum."""

from collections.abc import Mapping

import torch
from torch import Tensor

from leafwise.config import LossSettings
from leafwise.losses.discriminative import discriminative_terms
from leafwise.losses.edge import edge_hinge, edge_term
from leafwise.losses.overlap import overlap_term
from leafwise.losses.pixel_weights import pixel_weights


def embedding_terms(embeddings: Tensor, labels: Tensor, settings: LossSettings) -> dict[str, Tensor]:
    """The terms `pull`, `push`, `reg`, and `edge` and `overlap` where they have a weight: scalar tensors, unweighted.

    Embeddings (B, D, h, w) of any float type, integer labels (B, h, w). The key points' weights are for the means
    alone (paper, section 3.1.2), those of the border for the pull term too (section 8). The edge term draws its
    pixels with torch's own generator.
    """
    terms = discriminative_terms(
        embeddings,
        labels,
        pull_margin=settings.pull_margin,
        push_margin=settings.push_margin,
        background=settings.background,
        pixel_weights=pixel_weights(labels, settings.pixel_weights, background=settings.background),
        weigh_pull=settings.pixel_weights == "border",
    )._asdict()
    if settings.edge_weight > 0:
        terms["edge"] = edge_term(
            embeddings,
            labels,
            hinge=edge_hinge(settings),
            n_pixels=settings.edge_pixels,
            background=settings.background,
        )
    if settings.overlap_weight > 0:
        terms["overlap"] = overlap_term(embeddings, labels, background=settings.background)
    return terms


def weigh(terms: Mapping[str, Tensor], settings: LossSettings) -> Tensor:
    """The weighted sum of the terms (equation 4), a scalar tensor; the weight of a term `x` is `settings.x_weight`."""
    return torch.stack([getattr(settings, f"{name}_weight") * term for name, term in terms.items()]).sum()
