"""Reading and writing photos and label maps, and finding them."""

from leafwise.imaging.find import find_images, is_image_file, natural_key
from leafwise.imaging.read import IMAGE_SUFFIXES, MAX_PIXELS, read_image, read_labels
from leafwise.imaging.square import (
    FILL,
    Square,
    cut_labels,
    cut_square,
    scale_labels,
    scale_maps,
    square_around,
    square_around_box,
    whole_square,
)
from leafwise.imaging.write import (
    atomic_path,
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
    "Square",
    "atomic_path",
    "cut_labels",
    "cut_square",
    "find_images",
    "is_image_file",
    "make_folder",
    "natural_key",
    "output_error",
    "read_image",
    "read_labels",
    "scale_labels",
    "scale_maps",
    "square_around",
    "square_around_box",
    "whole_square",
    "write_image",
    "write_labels",
    "write_text",
]
