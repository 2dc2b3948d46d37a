"""What ClusterNet is given and what becomes of its masks, against loops over segments and pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from leafwise.config import RefineSettings
from leafwise.refine import mask_sizes, merge_masks, segment_likelihood

EIGHTHS = st.integers(-80, 80).map(lambda number: number / 8)
PROBABILITIES = st.sampled_from([0, 0.25, 0.5, 0.625, 0.75, 1])  # few, so that there are ties
SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 6))


def image_of(embeddings, members, inside):
    """The paper's steps for one segment, bool (h, w), in float64."""
    embeddings = embeddings.astype(np.float64)
    center = np.mean([embeddings[:, row, col] for row, col in np.argwhere(members)], axis=0)
    distances = {
        (row, col): np.linalg.norm(embeddings[:, row, col] - center) for row, col in np.argwhere(inside)
    }
    image = np.zeros(members.shape)
    for pixel, distance in distances.items():
        image[pixel] = 1 - distance / (max(distances.values()) or 1)
    return image


@st.composite
def segmented(draw):
    """Embeddings, labels 0..n without gaps, 0 somewhere too, and a foreground that holds all segments."""
    shape = draw(SHAPES)
    embeddings = draw(arrays(np.float32, (2, *shape), elements=EIGHTHS))
    labels = draw(arrays(np.int32, shape, elements=st.integers(0, 3)))
    labels.flat[draw(st.integers(0, labels.size - 1))] = 0
    labels = np.unique(labels, return_inverse=True)[1].reshape(shape).astype(np.int32)
    inside = (labels > 0) | draw(arrays(bool, shape))
    return embeddings, labels, inside


@given(case=segmented())
def test_a_segments_image_is_the_papers_on_the_foreground_and_0_elsewhere(case):
    embeddings, labels, inside = case
    before = embeddings.copy(), labels.copy(), inside.copy()
    found = segment_likelihood(embeddings, labels, inside)
    assert found.dtype == np.float32
    assert found.shape == (labels.max(), *labels.shape)
    for number, image in enumerate(found, 1):
        np.testing.assert_allclose(image, image_of(embeddings, labels == number, inside), rtol=0, atol=1e-5)
        assert not image[~inside].any()
    for array, copy in zip(case, before, strict=True):
        np.testing.assert_array_equal(array, copy)


@given(case=segmented())
def test_without_a_foreground_the_background_is_the_first_segment(case):
    embeddings, labels, _ = case
    found = segment_likelihood(embeddings, labels, None)
    everywhere = np.ones(labels.shape, bool)
    assert found.shape == (labels.max() + 1, *labels.shape)
    for number, image in enumerate(found):
        np.testing.assert_allclose(
            image, image_of(embeddings, labels == number, everywhere), rtol=0, atol=1e-5
        )


def test_what_lies_beyond_the_foreground_does_not_count():
    labels = np.array([[1, 1, 2, 0, 0]], np.int32)
    inside = np.array([[1, 1, 1, 1, 0]], bool)
    embeddings = np.array([[[0, 2, 5, 3, 1000]]], np.float32)
    found = segment_likelihood(embeddings, labels, inside)
    expected = [[[0.75, 0.75, 0, 0.5, 0]], [[0, 0.4, 1, 0.6, 0]]]  # means 1 and 5, farthest 4 and 5 from them
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("inside", [None, np.ones((3, 4), bool), np.zeros((3, 4), bool)])
def test_without_segments_there_are_no_images_but_the_backgrounds(inside):
    found = segment_likelihood(np.full((2, 3, 4), 7, np.float32), np.zeros((3, 4), np.int32), inside)
    assert found.shape == (1 if inside is None else 0, 3, 4)
    assert (found == 1).all()


@st.composite
def masks_and_more(draw):
    """Masks, and a background's mask and a foreground or None."""
    shape = draw(SHAPES)
    masks = draw(arrays(np.float32, (draw(st.integers(1, 4)), *shape), elements=PROBABILITIES))
    background = draw(st.none() | arrays(np.float32, shape, elements=PROBABILITIES))
    inside = draw(st.none() | arrays(bool, shape))
    return masks, background, inside


@pytest.mark.parametrize("merge", ["size", "likelihood"])
@given(case=masks_and_more(), threshold=st.sampled_from([0.25, 0.5, 0.7]))
def test_merging_equals_the_loop_over_pixels(merge, case, threshold):
    masks, background, inside = case
    sizes = mask_sizes(masks, threshold)
    expected = np.zeros(masks.shape[1:], np.int32)
    for pixel in np.ndindex(expected.shape):
        chances = [float(mask[pixel]) for mask in masks]
        claims = [i for i, chance in enumerate(chances) if chance >= threshold]
        if background is not None and background[pixel] >= threshold:
            claims = []
        if claims and merge == "size":
            expected[pixel] = 1 + max(claims, key=lambda i: (sizes[i], i))
        elif claims:
            expected[pixel] = 1 + max(claims, key=lambda i: (chances[i], -i))
        if inside is not None and not inside[pixel]:
            expected[pixel] = 0
        elif inside is not None and not claims:
            expected[pixel] = 1 + chances.index(max(chances))
    settings = RefineSettings(merge=merge, mask_threshold=threshold)
    found = merge_masks(masks, sizes, settings, background=background, inside=inside)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, expected)


def test_overlapping_masks_by_hand():
    masks = np.array([[[0.9, 0.6, 0.6, 0.3, 0.2]], [[0.1, 0.8, 0.2, 0.4, 0.1]]], np.float32)
    sizes = mask_sizes(masks, 0.5)
    assert sizes.tolist() == [3, 1]
    inside = np.array([[True, True, False, True, False]])
    for merge, free, within in [
        ("size", [1, 1, 1, 0, 0], [1, 1, 0, 2, 0]),
        ("likelihood", [1, 2, 1, 0, 0], [1, 2, 0, 2, 0]),
    ]:
        settings = RefineSettings(merge=merge)
        assert merge_masks(masks, sizes, settings).tolist() == [free]
        assert merge_masks(masks, sizes, settings, inside=inside).tolist() == [within]


def test_an_empty_foreground_has_no_labels():
    masks = np.ones((2, 3, 4), np.float32)
    found = merge_masks(masks, mask_sizes(masks, 0.5), RefineSettings(), inside=np.zeros((3, 4), bool))
    np.testing.assert_array_equal(found, np.zeros((3, 4), np.int32))
