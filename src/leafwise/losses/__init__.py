"""Losses on pixel embeddings, batched, on tensors; every term comes back apart and unweighted."""

from leafwise.losses.discriminative import DiscriminativeTerms, centers_of, discriminative_terms, weigh
from leafwise.losses.foreground import foreground_loss

__all__ = ["DiscriminativeTerms", "centers_of", "discriminative_terms", "foreground_loss", "weigh"]
