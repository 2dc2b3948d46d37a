"""Pictures of label maps, and of what they are made from."""

from leafwise.plots.colors import color_labels, number_colors
from leafwise.plots.embedding import draw_embedding
from leafwise.plots.grid import picture_grid
from leafwise.plots.maps import draw_labels, draw_shares, enlarge, thumbnail
from leafwise.plots.overlay import draw_overlay
from leafwise.plots.squares import draw_squares

__all__ = [
    "color_labels",
    "draw_embedding",
    "draw_labels",
    "draw_overlay",
    "draw_shares",
    "draw_squares",
    "enlarge",
    "number_colors",
    "picture_grid",
    "thumbnail",
]
