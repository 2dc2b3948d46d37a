"""One row of measurements a leaf."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skimage.measure import regionprops_table

from leafwise.errors import LabelMapError
from leafwise.imaging import compact_labels
from leafwise.traits.hull import hull_area

_PROPERTIES = (
    "label",
    "area",
    "centroid",
    "bbox",
    "perimeter_crofton",
    "axis_major_length",
    "axis_minor_length",
    "intensity_mean",
)


def measure_leaves(image: NDArray[np.uint8], labels: NDArray[np.integer]) -> pd.DataFrame:
    """Measure every leaf of a photo, all its pieces together.

    Args:
        image: RGB photo, uint8 (h, w, 3).
        labels: label map, integers (h, w), 0 = background; values may have gaps.

    Returns:
        One row a leaf, in the order of their numbers; no row, but all columns, where there is no leaf.

        - leaf: its number in the label map
        - area_px: number of pixels
        - centroid_row_px, centroid_col_px: mean place of its pixels; the photo's first pixel is at 0, 0
        - bbox_top_px, bbox_left_px, bbox_bottom_px, bbox_right_px: the rows top..bottom - 1 and columns
          left..right - 1 hold the leaf
        - perimeter_px: length of the outlines of its pieces and holes together, by Crofton's formula in four
          directions: round outlines come out 4 % long at 20 pixels across and 1 % at 80, straight ones along
          the pixel grid 5 to 7 % short
        - major_axis_px, minor_axis_px: axes of the ellipse with the same second moments
        - circularity: 4 pi area / perimeter^2, 1 for a disc; never above 1, which few pixels would else be
        - solidity: area / area of the convex hull of all its pixels, each a 1 x 1 square; 1 for a rectangle
        - mean_red, mean_green, mean_blue: mean colour, 0 to 255

    Raises:
        LabelMapError: the two shapes differ, or `labels` is no label map.
    """
    compact, numbers = compact_labels(labels)
    if image.shape != (*compact.shape, 3):
        raise LabelMapError(
            f"a label map of shape {compact.shape} cannot belong to a photo of shape {image.shape}; "
            "give the photo's own label map"
        )
    table = regionprops_table(compact, image, _PROPERTIES, extra_properties=(hull_area,))
    area, perimeter = table["area"], table["perimeter_crofton"]
    return pd.DataFrame(
        {
            "leaf": numbers[table["label"]],
            "area_px": area.astype(np.int64),
            "centroid_row_px": table["centroid-0"],
            "centroid_col_px": table["centroid-1"],
            "bbox_top_px": table["bbox-0"],
            "bbox_left_px": table["bbox-1"],
            "bbox_bottom_px": table["bbox-2"],
            "bbox_right_px": table["bbox-3"],
            "perimeter_px": perimeter,
            "major_axis_px": table["axis_major_length"],
            "minor_axis_px": table["axis_minor_length"],
            "circularity": np.minimum(4 * np.pi * area / perimeter**2, 1),
            "solidity": area / table["hull_area"],
            "mean_red": table["intensity_mean-0"],
            "mean_green": table["intensity_mean-1"],
            "mean_blue": table["intensity_mean-2"],
        }
    )
