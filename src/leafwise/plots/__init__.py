"""Pictures of label maps."""

from leafwise.plots.colors import color_labels, number_colors
from leafwise.plots.grid import picture_grid
from leafwise.plots.overlay import draw_overlay

__all__ = ["color_labels", "draw_overlay", "number_colors", "picture_grid"]
