"""Losses on pixel embeddings, batched, on tensors; every term comes back apart and unweighted."""

from leafwise.losses.discriminative import DiscriminativeTerms, centers_of, discriminative_terms
from leafwise.losses.edge import edge_hinge, edge_term
from leafwise.losses.foreground import foreground_loss
from leafwise.losses.overlap import overlap_term
from leafwise.losses.pixel_weights import pixel_weights
from leafwise.losses.terms import embedding_terms, weigh

__all__ = [
    "DiscriminativeTerms",
    "centers_of",
    "discriminative_terms",
    "edge_hinge",
    "edge_term",
    "embedding_terms",
    "foreground_loss",
    "overlap_term",
    "pixel_weights",
    "weigh",
]
