import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from speckled import direct_boundary, label_batches

from leafwise.losses import pixel_weights
from leafwise.losses.pixel_weights import BORDER_REACH


def instances_of(labels, *, background):
    """Image, and pixels (row, column) in reading order, of each instance."""
    for image, one in enumerate(labels):
        for number in one.unique().tolist():
            if number > 0 or background:
                yield image, (one == number).nonzero().tolist()


def loop_key_points(labels, *, background):
    """Section 3.1.2 with the shares of the authors' runs, instance by instance."""
    weights = torch.ones(labels.shape)
    for image, pixels in instances_of(labels, background=background):
        n = len(pixels)
        middle = [Fraction(sum(pixel[axis] for pixel in pixels), n) for axis in (0, 1)]
        extremes = [
            min(pixels),  # the topmost, and of these the leftmost
            min(pixels, key=lambda p: (-p[0], p[1])),
            min(pixels, key=lambda p: (p[1], p[0])),
            min(pixels, key=lambda p: (-p[1], p[0])),
        ]
        for i, j in extremes:
            weights[image, i, j] = max(0.025 * n, 1)
        i, j = min(pixels, key=lambda p: (p[0] - middle[0]) ** 2 + (p[1] - middle[1]) ** 2)
        weights[image, i, j] = max(0.1 * n, 1)
    return weights


def loop_border(labels, *, background):
    """1 + 10 exp(-d^2 / 50), d to the nearest boundary pixel of the pixel's own instance, no farther than 15."""
    weights = torch.ones(labels.shape)
    for image, pixels in instances_of(labels, background=background):
        boundary = direct_boundary(labels[image])
        own = [(i, j) for i, j in pixels if boundary[i, j]]
        for i, j in pixels:
            distance = min((max(abs(i - k), abs(j - m)) for k, m in own), default=math.inf)
            if distance <= 15:
                weights[image, i, j] = 1 + 10 * math.exp(-(distance**2) / 50)
    return weights


@pytest.mark.parametrize("background", [False, True])
def test_uniform_weights_are_none(background):
    assert pixel_weights(torch.ones(1, 4, 4, dtype=torch.long), "uniform", background=background) is None


@pytest.mark.parametrize(("kind", "direct"), [("key_points", loop_key_points), ("border", loop_border)])
@given(labels=label_batches(), background=st.booleans(), side=st.sampled_from([1, 6]))
def test_weights_equal_those_of_the_plain_loop(kind, direct, labels, background, side):
    labels = labels.repeat_interleave(side, 1).repeat_interleave(side, 2)  # large enough for weights above 1
    found = pixel_weights(labels, kind, background=background)
    assert found.dtype == torch.float32
    assert found.min() >= 1
    torch.testing.assert_close(found, direct(labels, background=background))


@pytest.mark.parametrize("kind", ["key_points", "border"])
@given(labels=label_batches(), numbers=st.lists(st.integers(1, 30), min_size=5, max_size=5, unique=True))
def test_the_numbers_of_the_instances_and_their_type_do_not_matter(kind, labels, numbers):
    renamed = torch.tensor([0, *numbers])[labels].to(torch.int32)
    found = pixel_weights(renamed, kind, background=False)
    assert torch.equal(found, pixel_weights(labels, kind, background=False))


def test_key_points_of_a_rectangle():
    labels = torch.zeros(1, 14, 24, dtype=torch.long)
    labels[0, 2:12, 1:21] = 6  # 10 x 20 pixels: 20 for the centre, 5 for each extreme
    weights = pixel_weights(labels, "key_points", background=False)[0]
    # the centre lies between four pixels; the topmost and the leftmost pixel are one
    expected = {(6, 10): 20.0, (2, 1): 5.0, (11, 1): 5.0, (2, 20): 5.0}
    assert {(i, j): weights[i, j].item() for i, j in (weights > 1).nonzero().tolist()} == expected


def test_key_points_of_a_diamond():
    rows, columns = torch.meshgrid(torch.arange(21), torch.arange(21), indexing="ij")
    labels = (((rows - 10).abs() + (columns - 10).abs()) <= 9).long()[None]
    n = int(labels.sum())  # 181
    weights = pixel_weights(labels, "key_points", background=False)[0]
    extreme = pytest.approx(0.025 * n)
    found = {(i, j): weights[i, j].item() for i, j in (weights > 1).nonzero().tolist()}
    assert found == {
        (10, 10): pytest.approx(0.1 * n),
        (1, 10): extreme,
        (19, 10): extreme,
        (10, 1): extreme,
        (10, 19): extreme,
    }


def test_the_center_of_a_ring_is_the_pixel_nearest_to_its_centroid():
    labels = torch.ones(1, 11, 13, dtype=torch.long)
    labels[0, 3:8, 3:10] = 0  # the centroid (5, 6) lies in the hole; nearest are (2, 6) and (8, 6)
    weights = pixel_weights(labels, "key_points", background=False)[0]
    assert weights[2, 6].item() == pytest.approx(0.1 * int(labels.sum()))
    assert weights[8, 6].item() == 1


def test_pixels_of_small_instances_all_count_one():
    labels = torch.zeros(1, 5, 6, dtype=torch.long)
    labels[0, 1:4, 1:4] = 1  # 10 % of 9 pixels are less than one
    assert torch.equal(pixel_weights(labels, "key_points", background=False), torch.ones(1, 5, 6))


def test_border_weights_fall_from_the_boundary_to_the_middle():
    labels = torch.zeros(1, 1, 80, dtype=torch.long)
    labels[0, 0, 40:] = 1
    weights = pixel_weights(labels, "border", background=False)[0, 0]
    assert (weights[:40] == 1).all()  # no instance
    assert weights[40].item() == 11
    assert weights[45].item() == pytest.approx(1 + 10 * math.exp(-0.5))
    assert weights[40 + BORDER_REACH].item() == pytest.approx(1 + 10 * math.exp(-4.5))
    assert (weights[40 + BORDER_REACH + 1 :] == 1).all()
    mirrored = pixel_weights(labels, "border", background=True)[0, 0]
    assert torch.equal(mirrored[:40].flip(0), weights[40:])


@pytest.mark.parametrize("kind", ["key_points", "border"])
@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize("shape", [(2, 0, 3), (0, 4, 4)])
def test_no_pixels_at_all(kind, background, shape):
    labels = torch.zeros(shape, dtype=torch.long)
    assert pixel_weights(labels, kind, background=background).shape == shape


@pytest.mark.parametrize("kind", ["key_points", "border"])
def test_without_instances_all_weights_are_one(kind):
    labels = torch.zeros(2, 30, 30, dtype=torch.long)
    assert torch.equal(pixel_weights(labels, kind, background=False), torch.ones(2, 30, 30))
    labels[:] = 4  # one instance, no boundary
    assert (pixel_weights(labels, "border", background=True) == 1).all()
