"""Synthetic photos of rosette plants with exact label maps."""

from leafwise.datasets.synthetic.plant import MIN_SIDE, MIN_VISIBLE, draw_plant
from leafwise.datasets.synthetic.writer import PlantSet, plant_seed, write_plants

__all__ = ["MIN_SIDE", "MIN_VISIBLE", "PlantSet", "draw_plant", "plant_seed", "write_plants"]
