import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from leafwise.config import AugmentSettings
from leafwise.imaging import FILL, Square, cut_square, scale_labels, whole_square
from leafwise.training.views import (
    View,
    paper_views,
    part_in_view,
    random_view,
    shrink_views,
    size_at,
    take_paper_view,
    take_view,
    view_of,
)

COLORS = np.array([FILL, (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255)], np.uint8)


def block_map(height=60, width=80):
    """Large blocks of labels 0..5 without any symmetry."""
    labels = np.zeros((height, width), np.int32)
    labels[5:30, 10:40], labels[30:50, 10:25], labels[30:55, 25:45] = 1, 2, 3
    labels[10:25, 45:75], labels[30:58, 50:70] = 4, 5
    return labels


def tensors(image, labels):
    return torch.tensor(image).permute(2, 0, 1) / 255, torch.tensor(labels)


def as_image(seen):
    return (seen.permute(1, 2, 0).numpy() * 255).round().clip(0, 255).astype(np.uint8)


def noise(height, width, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, 3), np.uint8), rng.integers(0, 9, (height, width), np.int32)


def far_from_borders(labels):
    """Where one label fills 7 x 7 pixels: an image scaled there has no other label's colour to mix in."""
    low = ndimage.minimum_filter(labels, 7, mode="constant", cval=-1)
    return low == ndimage.maximum_filter(labels, 7, mode="constant", cval=-1)


VIEWS = st.builds(
    View,
    row=st.floats(-10, 70),
    col=st.floats(-10, 90),
    side=st.floats(20, 120),
    angle=st.floats(0, 2 * math.pi),
    mirrored=st.booleans(),
)


@settings(max_examples=60)
@given(view=VIEWS)
def test_image_and_labels_share_one_geometry(view):
    labels = block_map()
    seen, picked = take_view(*tensors(COLORS[labels], labels), view, 48)
    assert seen.shape == (3, 48, 48)
    assert picked.shape == (48, 48)
    assert picked.dtype == torch.int64
    plain = far_from_borders(picked.numpy())
    np.testing.assert_array_equal(as_image(seen)[plain], COLORS[picked.numpy()[plain]])
    # and everywhere the picked label has some part in the colour
    assert (np.abs(as_image(seen).astype(int) - COLORS[picked.numpy()]).max(2) < 255).mean() > 0.99


def looked_up(labels, view, size):
    """The label under the middle of each of a view's pixels, found one by one."""
    found = np.zeros((size, size), np.int64)
    sure = np.zeros((size, size), bool)
    right = np.array([-math.sin(view.angle), math.cos(view.angle)])  # (row, col): rows grow downwards
    down = np.array([math.cos(view.angle), math.sin(view.angle)])
    for i in range(size):
        for j in range(size):
            x, y = ((k + 0.5) / size - 0.5 for k in (j, i))
            x = -x if view.mirrored else x
            row, col = np.array([view.row, view.col]) + view.side * (x * right + y * down)
            sure[i, j] = min(abs(row - round(row)), abs(col - round(col))) > 1e-3  # not between two pixels
            if 0 <= row < labels.shape[0] and 0 <= col < labels.shape[1]:
                found[i, j] = labels[int(row), int(col)]
    return found, sure


@settings(max_examples=20)
@given(view=VIEWS)
def test_labels_are_those_under_the_middles_of_the_pixels(view):
    image, labels = noise(60, 80)
    _, picked = take_view(*tensors(image, labels), view, 16)
    expected, sure = looked_up(labels, view, 16)
    np.testing.assert_array_equal(picked.numpy()[sure], expected[sure])


@pytest.mark.parametrize("quarter", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_quarter_turns_and_flips_move_pixels_and_change_none(quarter, mirrored):
    image, labels = noise(32, 32)
    view = View(16, 16, 32, angle=quarter * math.pi / 2, mirrored=mirrored)
    seen, picked = take_view(*tensors(image, labels), view, 32)
    # the view turns counter-clockwise, so that the photo in it turns clockwise
    expected_image, expected_labels = np.rot90(image, -quarter), np.rot90(labels, -quarter)
    if mirrored:
        expected_image, expected_labels = expected_image[:, ::-1], expected_labels[:, ::-1]
    np.testing.assert_array_equal(picked.numpy(), expected_labels)
    np.testing.assert_array_equal(as_image(seen), expected_image)


@pytest.mark.parametrize(
    "square", [Square(10, 20, 32), Square(-8, -5, 40), Square(30, 50, 60), Square(-90, 0, 20)]
)
def test_the_upright_view_of_a_square_is_what_the_segmenter_sees(square):
    image, labels = noise(60, 80)
    seen, picked = take_view(*tensors(image, labels), view_of(square), square.side)
    np.testing.assert_allclose(as_image(seen).astype(int), cut_square(image, square, square.side), atol=1)
    canvas = np.zeros((square.side, square.side), np.int32)
    rows, cols = square.inside(60, 80)
    if rows.start < rows.stop and cols.start < cols.stop:
        canvas[
            rows.start - square.top : rows.stop - square.top,
            cols.start - square.left : cols.stop - square.left,
        ] = labels[rows, cols]
    np.testing.assert_array_equal(picked.numpy(), canvas)


@pytest.mark.parametrize("size", [32, 64, 100, 160])
def test_the_upright_view_equals_the_cut_square_at_other_scales(size):
    rows, cols = np.mgrid[0:200, 0:240]  # smooth: the two ways of scaling down differ in noise alone
    image = np.stack([rows, cols, 128 + 60 * np.sin(rows / 15) * np.cos(cols / 20)], 2).astype(np.uint8)
    square = Square(30, 40, 100)
    seen, _ = take_view(*tensors(image, np.zeros((200, 240), np.int32)), view_of(square), size)
    difference = np.abs(as_image(seen).astype(int) - cut_square(image, square, size))
    assert (
        difference[2:-2, 2:-2].max() <= 3
    )  # at its edge the cut square knows nothing of the photo around it


def test_labels_of_an_upright_view_come_back_by_scaling():
    labels = block_map(64, 64)
    _, picked = take_view(torch.zeros(3, 64, 64), torch.tensor(labels), View(32, 32, 64), 128)
    whole = whole_square(64, 64)
    np.testing.assert_array_equal(picked.numpy(), np.kron(labels, np.ones((2, 2), int)))
    np.testing.assert_array_equal(scale_labels(picked.numpy(), whole, *whole.inside(64, 64)), labels)


def test_large_label_numbers_survive():
    labels = np.full((8, 8), 65_537, np.int32)
    _, picked = take_view(torch.zeros(3, 8, 8), torch.tensor(labels), View(4, 4, 4), 8)
    assert (picked == 65_537).all()


AUGMENT = AugmentSettings(smallest_view=0.8, largest_view=1.5, shift=0.1, whole_photo_share=0.0)


def test_random_views_lie_around_the_square_within_their_settings():
    torch.manual_seed(0)
    square = Square(20, 40, 50)
    views = [random_view(square, 100, 120, AUGMENT) for _ in range(300)]
    sides = np.array([view.side for view in views])
    shifts = np.array([[view.row - 45, view.col - 65] for view in views])
    angles = np.array([view.angle for view in views])
    assert 40 <= sides.min() < 42
    assert 73 < sides.max() <= 75
    assert (np.abs(shifts) <= 0.1 * sides[:, None]).all()
    assert np.abs(shifts).max() > 5
    assert angles.min() < 0.2
    assert 2 * math.pi - 0.2 < angles.max() < 2 * math.pi
    assert 100 < sum(view.mirrored for view in views) < 200


def test_the_share_of_whole_photos_is_kept_to():
    torch.manual_seed(0)
    settings = AugmentSettings(smallest_view=1.0, largest_view=1.0, shift=0.0, whole_photo_share=0.25)
    views = [random_view(Square(20, 40, 50), 100, 120, settings) for _ in range(400)]
    whole = [view for view in views if view.side == 120]
    assert 70 < len(whole) < 130
    assert all((view.row, view.col) == (50, 60) for view in whole)
    assert {view.side for view in views} == {50, 120}


def test_a_view_shows_no_more_of_a_photo_than_the_part_about_it():
    image, labels = tensors(*noise(150, 130))
    torch.manual_seed(3)
    for _ in range(40):
        view = random_view(Square(0, 0, 48), 150, 130, AugmentSettings(shift=0.4), tiled=True)
        rows, cols = part_in_view(view, 150, 130)
        assert max(rows.stop - rows.start, cols.stop - cols.start) < 1.5 * view.side + 6
        moved = replace(view, row=view.row - rows.start, col=view.col - cols.start)
        seen, picked = take_view(image, labels, view, 32)
        part, picked_part = take_view(image[:, rows, cols], labels[rows, cols], moved, 32)
        torch.testing.assert_close(part, seen, rtol=0, atol=2e-3)  # places in a photo are float32
        assert (picked_part == picked).float().mean() > 0.99


@pytest.mark.parametrize(
    ("height", "width", "rows", "cols"), [(100, 300, (32, 68), (32, 268)), (40, 64, (20, 20), (32, 32))]
)
def test_views_of_a_tiled_photo_lie_anywhere_on_it_and_at_one_scale(height, width, rows, cols):
    torch.manual_seed(0)
    settings = AugmentSettings(smallest_view=1.0, largest_view=1.0, shift=0.0, whole_photo_share=0.5)
    views = [random_view(Square(9, 9, 64), height, width, settings, tiled=True) for _ in range(400)]
    assert {view.side for view in views} == {64}
    for places, (low, high) in (([v.row for v in views], rows), ([v.col for v in views], cols)):
        assert low <= min(places) <= low + 2
        assert high - 2 <= max(places) <= high


def test_the_same_seed_gives_the_same_views():
    runs = []
    for _ in range(2):
        torch.manual_seed(7)
        runs.append([random_view(Square(0, 0, 9), 20, 20, AUGMENT) for _ in range(5)])
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == 5


def black_background(labels):
    colors = COLORS.copy()
    colors[0] = 0  # as beyond the edges of a turned image
    return colors[labels]


def test_the_papers_views_scale_the_shorter_side_and_cut_the_middle_out():
    labels = block_map(60, 80)
    image = black_background(labels)
    seen, picked = take_paper_view(*tensors(image, labels), paper_views(60, augment=False))
    np.testing.assert_array_equal(picked.numpy(), labels[:, 10:70])
    np.testing.assert_array_equal(as_image(seen), image[:, 10:70])
    assert (type(seen), type(picked), picked.dtype) == (torch.Tensor, torch.Tensor, torch.int64)


@pytest.mark.parametrize("shape", [(530, 500), (50, 90), (224, 224)])
def test_the_papers_views_have_one_size(shape):
    image, labels = noise(*shape)
    seen, picked = take_paper_view(*tensors(image, labels), paper_views(224, augment=False))
    assert seen.shape == (3, 224, 224)
    assert picked.shape == (224, 224)
    assert set(picked.unique().tolist()) <= set(range(9))  # nearest: no labels in between


def test_scaled_paper_views_share_one_geometry():
    labels = block_map(120, 160)
    labels[60:110, 20:60] = 2
    seen, picked = take_paper_view(*tensors(black_background(labels), labels), paper_views(48, augment=False))
    plain = far_from_borders(picked.numpy())
    assert plain.mean() > 0.3
    np.testing.assert_array_equal(as_image(seen)[plain], black_background(picked.numpy())[plain])


def test_augmented_paper_views_share_one_geometry():
    labels = block_map(60, 60)
    views = paper_views(60, augment=True)
    image, truth = tensors(black_background(labels), labels)
    found, n_plain = [], 0
    for seed in range(40):
        torch.manual_seed(seed)
        seen, picked = take_paper_view(image, truth, views)
        found.append(picked.numpy())
        for label in picked.unique():  # colours may change, but all of a label in one way
            colors = seen[:, picked == label]
            assert (colors.amax(1) - colors.amin(1)).max() < 1e-5
        n_plain += np.array_equal(as_image(seen), black_background(picked.numpy()))
    assert 10 <= n_plain <= 30  # half of the views keep their colours
    unchanged = [np.array_equal(one, labels) for one in found]
    assert 1 <= sum(unchanged) <= 15  # an eighth: neither flipped nor turned
    flips = [labels[:, ::-1], labels[::-1], labels[::-1, ::-1]]
    for flipped in flips:
        assert any(np.array_equal(one, flipped) for one in found)
    turned = [one for one in found if not any(np.array_equal(one, flat) for flat in [labels, *flips])]
    assert 10 <= len(turned) <= 30


@given(st.floats(0, 1), st.sampled_from([0, 64, 256, 448, 512]))
def test_views_grow_in_steps_of_32_to_their_full_size(progress, first):
    size = size_at(progress, first, 448)
    assert size % 32 == 0
    assert size <= 448
    assert size >= min(first or 448, 448)
    assert size_at(1, first, 448) == 448
    assert size_at(progress / 2, first, 448) <= size


def test_shrunk_views_keep_image_and_labels_together():
    image, labels = tensors(COLORS[block_map(64, 96)], block_map(64, 96))
    square, inside = image[None, :, :, :64], labels[None, :, :64]
    small, few = shrink_views(square, inside, 32)
    assert small.shape == (1, 3, 32, 32)
    assert few.dtype == labels.dtype
    # where a label fills the surroundings, the colour is its own
    wide = far_from_borders(inside[0].numpy())[1::2, 1::2]
    assert wide.sum() > 100
    assert (COLORS[few[0].numpy()] == as_image(small[0]))[wide].all()


def test_views_of_full_size_are_left_as_they_are():
    images, labels = torch.rand(2, 3, 64, 64), torch.zeros(2, 64, 64, dtype=torch.int64)
    same = shrink_views(images, labels, 64)
    assert same[0] is images
    assert same[1] is labels


def test_a_photo_that_is_far_finer_than_its_view_is_smoothed():
    checks = ((torch.arange(120)[:, None] + torch.arange(120)) % 2).float().expand(3, -1, -1)
    labels = torch.zeros(120, 120, dtype=torch.long)
    seen, _ = take_view(checks, labels, View(60, 60, 119.9), 30)  # 4 pixels in one
    torch.testing.assert_close(seen[:, 2:-2, 2:-2], torch.full((3, 26, 26), 0.5))
    near, _ = take_view(checks, labels, View(60, 60, 120), 120)
    torch.testing.assert_close(near, checks, atol=1e-4, rtol=0)


def test_a_smoothed_photo_stays_in_its_place():
    image, labels = torch.zeros(3, 90, 101), torch.zeros(90, 101, dtype=torch.long)
    image[:, 30:60, 40:70], labels[30:60, 40:70] = 1, 1
    seen, picked = take_view(image, labels, View(45, 50, 100), 25)
    places = torch.arange(25.0)
    bright = (seen[0] - 0.55).clamp(min=0)  # what lies beyond the photo is not
    middle = [float((bright.sum(axis) * places).sum() / bright.sum()) for axis in (1, 0)]
    # the square's middle is (45, 55); the view has a pixel of 4, and its first at rows -5 to -1
    assert middle == pytest.approx([(45 + 5) / 4 - 0.5, 55 / 4 - 0.5], abs=0.15)
    assert picked[11, 13] == 1
