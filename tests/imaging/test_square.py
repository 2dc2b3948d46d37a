import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image
from skimage.transform import resize

from leafwise.imaging import (
    FILL,
    Square,
    cut_labels,
    cut_square,
    scale_labels,
    scale_maps,
    square_around,
    tile_around,
    whole_square,
)

SQUARES = st.builds(Square, st.integers(-30, 30), st.integers(-30, 30), st.integers(1, 30))


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def everything(square):
    return slice(square.top, square.top + square.side), slice(square.left, square.left + square.side)


@given(square=SQUARES, height=st.integers(1, 20), width=st.integers(1, 20))
def test_inside_are_the_rows_and_columns_that_both_have(square, height, width):
    rows, cols = square.inside(height, width)
    assert set(range(rows.start, rows.stop)) == set(range(square.top, square.top + square.side)) & set(
        range(height)
    )
    assert set(range(cols.start, cols.stop)) == set(range(square.left, square.left + square.side)) & set(
        range(width)
    )


@given(height=st.integers(1, 99), width=st.integers(1, 99))
def test_the_whole_square_just_holds_the_photo_in_its_middle(height, width):
    square = whole_square(height, width)
    assert square.side == max(height, width)
    assert square.inside(height, width) == (slice(0, height), slice(0, width))
    for start, length in ((square.top, height), (square.left, width)):
        before, after = -start, start + square.side - length
        assert abs(before - after) <= 1


@given(mask=arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12)), margin=st.floats(0, 0.6))
def test_the_square_around_a_mask_holds_it_with_its_margin(mask, margin):
    square = square_around(mask, margin=margin)
    if not mask.any():
        assert square == whole_square(*mask.shape)
        return
    rows, cols = np.nonzero(mask)
    extent = max(np.ptp(rows), np.ptp(cols)) + 1
    assert extent * (1 + 2 * margin) <= square.side < extent * (1 + 2 * margin) + 1 + 1e-9
    for low, high, start in ((rows.min(), rows.max(), square.top), (cols.min(), cols.max(), square.left)):
        assert start <= low
        assert high < start + square.side
        assert abs((low + high + 1) / 2 - (start + square.side / 2)) < 1  # in the middle, to a pixel


def test_a_square_at_its_own_size_is_the_photos_pixels():
    photo = noise(20, 30)
    np.testing.assert_array_equal(cut_square(photo, Square(4, 7, 12), 12), photo[4:16, 7:19])


def test_beyond_the_photo_a_square_has_the_mean_colour():
    photo = noise(6, 8)
    seen = cut_square(photo, Square(-2, 5, 10), 10)
    np.testing.assert_array_equal(seen[2:8, :3], photo[:, 5:])
    outside = np.ones((10, 10), bool)
    outside[2:8, :3] = False
    assert (seen[outside] == FILL).all()


@pytest.mark.parametrize("square", [Square(-40, 0, 10), Square(0, 99, 10), Square(50, -50, 3)])
def test_a_square_off_the_photo_shows_nothing_but_the_mean_colour(square):
    assert (cut_square(noise(20, 20), square, 8) == FILL).all()


@pytest.mark.parametrize("size", [1, 5, 64])
def test_a_photo_of_one_pixel_fills_its_square(size):
    photo = np.array([[[10, 200, 30]]], np.uint8)
    assert (cut_square(photo, whole_square(1, 1), size) == (10, 200, 30)).all()


def test_a_smaller_view_is_the_mean_of_what_it_covers():
    photo = noise(64, 64)
    blocks = photo.reshape(8, 8, 8, 8, 3).mean((1, 3))
    seen = cut_square(photo, Square(0, 0, 64), 8)
    assert abs(seen.astype(float) - blocks).max() < 40  # a single pixel of noise is off by up to 127
    assert abs(seen.mean() - photo.mean()) < 1


def test_cutting_leaves_the_photo_alone():
    photo = noise(9, 9)
    before = photo.copy()
    cut_square(photo, Square(-3, -3, 15), 7)
    cut_square(photo, whole_square(9, 9), 9)
    np.testing.assert_array_equal(photo, before)


@given(
    maps=arrays(
        np.float32, array_shapes(min_dims=3, max_dims=3, max_side=7), elements=st.floats(-9, 9, width=32)
    ),
    side=st.integers(1, 25),
)
def test_maps_are_scaled_as_torch_scales_them(maps, side):
    square = Square(3, -5, side)
    expected = torch.nn.functional.interpolate(
        torch.tensor(maps)[None], (side, side), mode="bilinear", align_corners=False
    )[0].numpy()
    found = scale_maps(maps, square, *everything(square))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("side", [8, 13, 40])
def test_maps_are_scaled_up_as_pillow_and_skimage_scale_them(side):
    maps = np.random.default_rng(0).normal(0, 1, (2, 8, 8)).astype(np.float32)
    square = Square(0, 0, side)
    found = scale_maps(maps, square, *everything(square))
    for one, big in zip(maps, found, strict=True):
        by_pillow = np.asarray(Image.fromarray(one).resize((side, side), Image.Resampling.BILINEAR))
        np.testing.assert_allclose(big, by_pillow, rtol=0, atol=1e-5)
        by_skimage = resize(one, (side, side), order=1, mode="edge", anti_aliasing=False)
        np.testing.assert_allclose(big, by_skimage, rtol=0, atol=1e-5)


@given(
    value=st.floats(-1e3, 1e3, width=32),
    size=st.integers(1, 9),
    square=SQUARES,
    height=st.integers(1, 20),
    width=st.integers(1, 20),
)
def test_a_constant_map_stays_constant(value, size, square, height, width):
    rows, cols = square.inside(height, width)
    if rows.start >= rows.stop or cols.start >= cols.stop:
        return
    found = scale_maps(np.full((1, size, size), value, np.float32), square, rows, cols)
    np.testing.assert_allclose(found, value, rtol=1e-5, atol=1e-5)
    assert found.shape == (1, rows.stop - rows.start, cols.stop - cols.start)


@given(size=st.integers(2, 8), factor=st.integers(1, 6))
def test_a_ramp_stays_a_ramp(size, factor):
    ramp = np.tile(np.arange(size, dtype=np.float32), (1, size, 1))
    square = Square(0, 0, size * factor)
    found = scale_maps(ramp, square, *everything(square))[0]
    expected = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
    np.testing.assert_allclose(found, np.tile(expected, (size * factor, 1)), rtol=0, atol=1e-5)


@given(data=st.data())
def test_a_part_of_the_photo_is_the_same_part_of_the_whole(data):
    square = Square(-4, 2, 17)
    maps = np.random.default_rng(1).normal(0, 1, (3, 5, 5)).astype(np.float32)
    labels = np.arange(25, dtype=np.int32).reshape(5, 5)
    rows, cols = square.inside(12, 15)
    start = data.draw(st.integers(rows.start, rows.stop - 1))
    stop = data.draw(st.integers(start + 1, rows.stop))
    part = slice(start - rows.start, stop - rows.start)
    np.testing.assert_allclose(
        scale_maps(maps, square, slice(start, stop), cols),
        scale_maps(maps, square, rows, cols)[:, part],
        rtol=0,
        atol=1e-6,
    )
    np.testing.assert_array_equal(
        scale_labels(labels, square, slice(start, stop), cols), scale_labels(labels, square, rows, cols)[part]
    )


@given(size=st.integers(1, 9), side=st.integers(1, 40))
def test_labels_are_picked_from_the_cell_that_holds_the_pixels_middle(size, side):
    labels = np.arange(size * size, dtype=np.int32).reshape(size, size)
    square = Square(5, -3, side)
    found = scale_labels(labels, square, *everything(square))
    assert found.dtype == np.int32
    # in whole numbers: pixel i has its middle at (2 i + 1) / (2 side) of the square
    cells = [(2 * i + 1) * size // (2 * side) for i in range(side)]
    np.testing.assert_array_equal(found, labels[np.ix_(cells, cells)])


@pytest.mark.parametrize("square", [Square(0, 0, 24), Square(-6, 3, 48), Square(4, -9, 16)])
def test_a_smooth_photo_comes_back_from_its_square(square):
    rows, cols = np.mgrid[0:40, 0:40]
    photo = np.stack([100 + 2 * rows, 60 + 3 * cols, 50 + rows + cols], 2).astype(np.uint8)
    seen = cut_square(photo, square, 32)
    inside = square.inside(40, 40)
    back = scale_maps(seen.transpose(2, 0, 1).astype(np.float32), square, *inside).transpose(1, 2, 0)
    error = np.abs(back - photo[inside])
    assert error[3:-3, 3:-3].max() < 3  # at the photo's edge it mixes with the colour beyond


@given(square=SQUARES, size=st.integers(1, 12), height=st.integers(1, 20), width=st.integers(1, 20))
def test_cut_labels_are_those_at_the_middle_of_each_cell(square, size, height, width):
    labels = np.arange(1, height * width + 1, dtype=np.int32).reshape(height, width)
    found = cut_labels(labels, square, size)
    assert found.shape == (size, size)
    assert found.dtype == np.int32
    # in whole numbers: cell i has its middle at (2 i + 1) / (2 size) of the square
    steps = [(2 * i + 1) * square.side // (2 * size) for i in range(size)]
    for i, j in np.ndindex(size, size):
        row, col = square.top + steps[i], square.left + steps[j]
        on_photo = 0 <= row < height and 0 <= col < width
        assert found[i, j] == (labels[row, col] if on_photo else 0)


@given(square=SQUARES, height=st.integers(1, 20), width=st.integers(1, 20))
def test_labels_that_are_cut_come_back_where_nothing_is_scaled(square, height, width):
    labels = np.arange(1, height * width + 1, dtype=np.int32).reshape(height, width)
    rows, cols = square.inside(height, width)
    if rows.start < rows.stop and cols.start < cols.stop:
        back = scale_labels(cut_labels(labels, square, square.side), square, rows, cols)
        np.testing.assert_array_equal(back, labels[rows, cols])


@pytest.mark.parametrize("square", [Square(-40, 0, 10), Square(0, 99, 10), Square(50, -50, 3)])
def test_a_square_off_the_photo_has_no_labels(square):
    assert not cut_labels(np.ones((20, 20), np.int32), square, 8).any()


@pytest.mark.parametrize("size", [16, 64, 200])
@pytest.mark.parametrize("square", [Square(0, 0, 90), Square(-20, 13, 130), Square(40, -60, 77)])
def test_a_square_scaled_in_strips_is_the_same(monkeypatch, size, square):
    image = noise(90, 111)
    whole = cut_square(image, square, size).astype(int)
    monkeypatch.setattr("leafwise.imaging.square.STRIP", 1000)
    assert np.abs(cut_square(image, square, size) - whole).max() <= 1  # of rounding


@given(*(st.floats(-50, 150) for _ in range(2)), st.integers(1, 60), *(st.integers(1, 100) for _ in range(2)))
def test_a_tile_is_on_the_photo_where_it_fits_and_about_its_middle(row, col, side, height, width):
    tile = tile_around(row, col, side, height, width)
    for start, middle, length in ((tile.top, row, height), (tile.left, col, width)):
        if length <= side:
            assert start == (length - side) // 2
        else:
            assert 0 <= start <= length - side
            others = np.arange(length - side + 1)
            assert abs(start + side / 2 - middle) <= np.abs(others + side / 2 - middle).min() + 1e-9
