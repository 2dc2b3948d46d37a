"""Measurements of leaves and plants, from label maps and, for their colours, photos."""

from leafwise.traits.leaves import measure_leaves
from leafwise.traits.plants import measure_plants

__all__ = ["measure_leaves", "measure_plants"]
