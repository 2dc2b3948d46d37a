from typing import get_args, get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from leafwise.config import RefineSettings
from leafwise.refine import MERGES, mask_sizes, merge_by_likelihood, merge_by_size

PROBABILITIES = st.sampled_from([0, 0.25, 0.5, 0.625, 0.75, 1])  # few, so that there are ties
THRESHOLDS = st.sampled_from([0.25, 0.5, 0.7])


@st.composite
def masks_and_background(draw):
    n, height, width = draw(st.integers(0, 5)), draw(st.integers(1, 5)), draw(st.integers(1, 5))
    masks = draw(arrays(np.float32, (n, height, width), elements=PROBABILITIES))
    background = draw(st.none() | arrays(np.float32, (height, width), elements=PROBABILITIES))
    return masks, background


def direct(masks, background, threshold, rank):
    """Pixel by pixel: of the masks that have it, the one with the highest rank (index, probability)."""
    labels = np.zeros(masks.shape[1:], np.int32)
    for pixel in np.ndindex(labels.shape):
        claims = [index for index in range(len(masks)) if masks[index][pixel] >= threshold]
        if claims and (background is None or background[pixel] < threshold):
            labels[pixel] = 1 + max(claims, key=lambda index, pixel=pixel: rank(index, masks[index][pixel]))
    return labels


@given(case=masks_and_background(), threshold=THRESHOLDS)
def test_by_size_equals_the_loop_over_pixels(case, threshold):
    masks, background = case
    sizes = mask_sizes(masks, threshold)
    found = merge_by_size(masks, sizes, threshold, background)
    assert found.dtype == np.int32
    expected = direct(masks, background, threshold, lambda index, _: (sizes[index], index))
    np.testing.assert_array_equal(found, expected)


@given(case=masks_and_background(), threshold=THRESHOLDS)
def test_by_likelihood_equals_the_loop_over_pixels(case, threshold):
    masks, background = case
    found = merge_by_likelihood(masks, mask_sizes(masks, threshold), threshold, background)
    assert found.dtype == np.int32
    expected = direct(masks, background, threshold, lambda index, chance: (chance, -index))
    np.testing.assert_array_equal(found, expected)


@given(case=masks_and_background(), threshold=THRESHOLDS)
def test_sizes_are_counts_of_pixels(case, threshold):
    masks, _ = case
    expected = [sum(bool(value >= threshold) for value in mask.ravel()) for mask in masks]
    found = mask_sizes(masks, threshold)
    assert found.shape == (len(masks),)
    assert found.tolist() == expected


@pytest.mark.parametrize("merge", MERGES.values(), ids=MERGES)
@given(case=masks_and_background(), rows=st.integers(1, 5))
def test_strips_with_the_sizes_of_the_whole_give_the_whole(merge, case, rows):
    masks, background = case
    before = masks.copy()
    sizes = mask_sizes(masks, 0.5)
    strips = [slice(start, start + rows) for start in range(0, masks.shape[1], rows)]
    parts = [merge(masks[:, s], sizes, 0.5, None if background is None else background[s]) for s in strips]
    np.testing.assert_array_equal(np.concatenate(parts), merge(masks, sizes, 0.5, background))
    np.testing.assert_array_equal(masks, before)


def test_the_size_of_the_whole_mask_decides_not_that_of_the_strip():
    masks = np.array([[[1, 1, 1], [0, 0, 0]], [[0, 0, 1], [1, 1, 1]]], np.float32)
    sizes = mask_sizes(masks, 0.5)
    assert sizes.tolist() == [3, 4]
    assert merge_by_size(masks[:, :1], sizes, 0.5).tolist() == [[1, 1, 2]]


def test_of_masks_of_one_size_the_later_is_on_top():
    masks = np.array([[[1, 1, 0]], [[0, 1, 1]]], np.float32)
    assert merge_by_size(masks, mask_sizes(masks, 0.5), 0.5).tolist() == [[1, 2, 2]]


def test_of_equal_probabilities_the_first_has_the_pixel():
    masks = np.array([[[0.9, 0.8, 0]], [[0, 0.8, 0.9]]], np.float32)
    assert merge_by_likelihood(masks, mask_sizes(masks, 0.5), 0.5).tolist() == [[1, 1, 2]]


@pytest.mark.parametrize("merge", MERGES.values(), ids=MERGES)
def test_the_background_lies_over_everything(merge):
    masks = np.array([[[0.9, 0.9, 0.9, 0.9]], [[0, 0, 0, 1]]], np.float32)
    background = np.array([[0, 0.4, 0.5, 0.6]], np.float32)
    assert merge(masks, mask_sizes(masks, 0.5), 0.5, background).tolist() == [[1, 1, 0, 0]]


@pytest.mark.parametrize("merge", MERGES.values(), ids=MERGES)
def test_no_masks_are_all_background(merge):
    masks = np.zeros((0, 2, 3), np.float32)
    found = merge(masks, mask_sizes(masks, 0.5), 0.5)
    assert found.dtype == np.int32
    assert found.tolist() == [[0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("merge", MERGES.values(), ids=MERGES)
def test_an_empty_mask_has_no_pixel_and_the_others_keep_their_numbers(merge):
    masks = np.array([[[0.9, 0]], [[0.2, 0.4]], [[0, 0.9]]], np.float32)
    assert merge(masks, mask_sizes(masks, 0.5), 0.5).tolist() == [[1, 3]]


def test_every_merge_that_settings_allow_is_there():
    assert set(get_args(get_type_hints(RefineSettings)["merge"])) == set(MERGES)
