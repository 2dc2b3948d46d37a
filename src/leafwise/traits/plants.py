"""One row of measurements a plant."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from leafwise.errors import LabelMapError
from leafwise.imaging import compact_labels
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
    boxes = find_objects(leaves)
    numbers = np.unique(plant_of_leaf[plant_of_leaf != 0])
    areas, hulls, diameters = (np.empty(len(numbers)) for _ in range(3))
    for i, number in enumerate(numbers):  # each in its own box: a photo may be large
        is_its = plant_of_leaf == number
        box = _around([boxes[leaf - 1] for leaf in np.flatnonzero(is_its)])
        mask = is_its[leaves[box]]
        areas[i], hulls[i], diameters[i] = np.count_nonzero(mask), hull_area(mask), diameter(mask)
    return pd.DataFrame(
        {
            "plant": numbers,
            "leaf_count": (plant_of_leaf == numbers[:, None]).sum(axis=1),
            "area_px": areas.astype(np.int64),
            "convex_hull_area_px": hulls,
            "compactness": areas / hulls,
            "diameter_px": diameters,
        }
    )


def _around(boxes: Sequence[tuple[slice, ...]]) -> tuple[slice, slice]:
    """The smallest box, rows and columns, around some."""
    rows, cols = zip(*boxes, strict=True)
    return (
        slice(min(part.start for part in rows), max(part.stop for part in rows)),
        slice(min(part.start for part in cols), max(part.stop for part in cols)),
    )
