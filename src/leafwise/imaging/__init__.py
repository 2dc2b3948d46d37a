"""Reading and writing photos and label maps, and finding them."""

from leafwise.imaging.contrast import as_seen, stretch_contrast
from leafwise.imaging.digest import digest_of
from leafwise.imaging.find import find_images, is_image_file, natural_key
from leafwise.imaging.labels import compact_labels
from leafwise.imaging.read import IMAGE_SUFFIXES, MAX_PIXELS, read_image, read_labels
from leafwise.imaging.run_lengths import Runs, check_runs, label_runs, paint_runs, parse_runs, runs_area
from leafwise.imaging.square import (
    FILL,
    Square,
    cut_labels,
    cut_square,
    scale_labels,
    scale_maps,
    square_around,
    square_around_box,
    tile_around,
    whole_square,
)
from leafwise.imaging.turn import turn, turn_back
from leafwise.imaging.write import (
    atomic_path,
    is_temporary,
    make_folder,
    output_error,
    write_image,
    write_labels,
    write_text,
)

__all__ = [
    "FILL",
    "IMAGE_SUFFIXES",
    "MAX_PIXELS",
    "Runs",
    "Square",
    "as_seen",
    "atomic_path",
    "check_runs",
    "compact_labels",
    "cut_labels",
    "cut_square",
    "digest_of",
    "find_images",
    "is_image_file",
    "is_temporary",
    "label_runs",
    "make_folder",
    "natural_key",
    "output_error",
    "paint_runs",
    "parse_runs",
    "read_image",
    "read_labels",
    "runs_area",
    "scale_labels",
    "scale_maps",
    "square_around",
    "square_around_box",
    "stretch_contrast",
    "tile_around",
    "turn",
    "turn_back",
    "whole_square",
    "write_image",
    "write_labels",
    "write_text",
]
