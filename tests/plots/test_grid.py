import numpy as np
import pytest

from leafwise.errors import ImageError
from leafwise.plots import picture_grid


def plain(value):
    return np.full((20, 30, 3), value, np.uint8)


def places(grid, value):
    rows, columns = np.nonzero((grid == value).all(axis=2))
    return rows.min(), rows.max() + 1, columns.min(), columns.max() + 1, len(rows)


def test_pictures_keep_their_rows_columns_and_pixels():
    grid = picture_grid([[plain(100), plain(120)], [plain(140)]])
    tops = {value: places(grid, value) for value in (100, 120, 140)}
    assert all(place[4] == 20 * 30 for place in tops.values())
    assert tops[100][0] == tops[120][0] < tops[140][0]
    assert tops[100][2] == tops[140][2] < tops[120][2]
    assert tops[100][1] < tops[140][0]
    assert tops[100][3] < tops[120][2]


def test_a_caption_stands_above_its_picture_and_no_wider():
    bare = picture_grid([[plain(100), plain(120)]])
    grid = picture_grid([[plain(100), plain(120)]], [["a long caption of the first picture", ""]])
    assert grid.shape[0] > bare.shape[0]
    assert grid.shape[1] == bare.shape[1]
    top, bottom, left, right, count = places(grid, 100)
    assert (bottom - top, right - left, count) == (20, 30, 600)
    ground = grid[0, 0]
    assert (grid[:top, left:right] != ground).any()
    assert (grid[:top, right:] == ground).all()
    assert (grid[:, :left] == ground).all()


def test_what_does_not_fit_together():
    with pytest.raises(ImageError, match="one size"):
        picture_grid([[plain(0), np.zeros((20, 31, 3), np.uint8)]])
    with pytest.raises(ImageError, match="one size, not none"):
        picture_grid([[]])
    with pytest.raises(ImageError, match="one caption"):
        picture_grid([[plain(0)]], [["one", "two"]])
