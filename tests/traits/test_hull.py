from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from leafwise.traits.hull import diameter, hull_area

MASKS = arrays(np.bool_, st.tuples(st.integers(1, 8), st.integers(1, 8)), elements=st.booleans())


def polygon_area_of_hull(points):
    """Andrew's monotone chain and the shoelace formula, in plain Python."""
    points = sorted(set(points))
    chain = []
    for way in (points, points[::-1]):
        half = []
        for x, y in way:
            while len(half) > 1 and (half[-1][0] - half[-2][0]) * (y - half[-2][1]) <= (
                half[-1][1] - half[-2][1]
            ) * (x - half[-2][0]):
                half.pop()
            half.append((x, y))
        chain += half[:-1]
    return abs(sum(a[0] * b[1] - a[1] * b[0] for a, b in zip(chain, chain[1:] + chain[:1], strict=True))) / 2


@given(mask=MASKS)
def test_hull_area_is_that_of_the_pixels_corners(mask):
    corners = [(r + i, c + j) for r, c in np.argwhere(mask).tolist() for i, j in product((0, 1), (0, 1))]
    assert hull_area(mask) == pytest.approx(polygon_area_of_hull(corners) if corners else 0)


@given(mask=MASKS)
def test_diameter_is_the_largest_of_all_distances(mask):
    pixels = np.argwhere(mask)
    distances = np.linalg.norm(pixels[:, None] - pixels[None], axis=-1)
    assert diameter(mask) == pytest.approx(distances.max(initial=0))
