from leafwise.plots.colors import color_labels
from leafwise.plots.overlay import draw_overlay
