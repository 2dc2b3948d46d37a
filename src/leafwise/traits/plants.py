"""One row of measurements a plant."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skimage.measure import regionprops_table

from leafwise.errors import LabelMapError
from leafwise.metrics import compact_labels
from leafwise.traits.hull import diameter, hull_area


def measure_plants(labels: NDArray[np.integer], plants: NDArray[np.integer]) -> pd.DataFrame:
    """Measure every plant of a photo: the pixels of all its leaves together.

    Args:
        labels: label map, integers (h, w), 0 = background; values may have gaps.
        plants: integers (n,), at [i] the plant that leaf i belongs to; leaves of plant 0 are left out.

    Returns:
        One row a plant that has a pixel, in the order of their numbers; no row, but all columns, without any.

        - plant: its number
        - leaf_count: number of its leaves
        - area_px: number of pixels
        - convex_hull_area_px: area of the convex hull of its pixels, each a 1 x 1 square
        - compactness: area / convex hull area, above 0, 1 where the plant fills its hull
        - diameter_px: largest distance between the centres of two of its pixels; 0 for one pixel

    Raises:
        LabelMapError: `labels` is no label map, or holds a leaf that `plants` does not name.

    >>> frame = measure_plants(np.array([[1, 1, 0, 2], [3, 0, 0, 0]]), plants=np.array([0, 1, 2, 1]))
    >>> frame[["plant", "leaf_count", "area_px"]].to_numpy().tolist()
    [[1, 2, 3], [2, 1, 1]]
    """
    leaves, leaf_numbers = compact_labels(labels)
    if leaf_numbers[-1] >= len(plants):
        raise LabelMapError(
            f"leaf {leaf_numbers[-1]} belongs to no plant: `plants` ends at leaf {len(plants) - 1}; "
            "give it a number for every leaf"
        )
    plant_of_leaf = np.where(leaf_numbers > 0, plants[leaf_numbers], 0)
    compact, plant_numbers = compact_labels(plant_of_leaf[leaves])
    table = regionprops_table(compact, properties=("label", "area"), extra_properties=(hull_area, diameter))
    numbers = plant_numbers[table["label"]]
    return pd.DataFrame(
        {
            "plant": numbers,
            "leaf_count": (plant_of_leaf == numbers[:, None]).sum(axis=1),
            "area_px": table["area"].astype(np.int64),
            "convex_hull_area_px": table["hull_area"],
            "compactness": table["area"] / table["hull_area"],
            "diameter_px": table["diameter"],
        }
    )
