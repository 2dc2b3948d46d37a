import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from leafwise.refine import likelihood, likelihood_images

EIGHTHS = st.integers(-800, 800).map(lambda number: number / 8)


def direct(embeddings, centers):
    """The paper's formula, a segment at a time, in float64."""
    images = []
    for center in centers.astype(np.float64):
        distances = np.sqrt(np.square(embeddings - center[:, None, None]).sum(0))
        images.append(1 - distances / (distances.max() or 1))
    return np.array(images).reshape(len(centers), *embeddings.shape[1:])


@given(data=st.data(), shape=array_shapes(min_dims=3, max_dims=3, max_side=5), n_segments=st.integers(0, 4))
@pytest.mark.parametrize("offset", [0, 10_000])
def test_images_equal_the_papers_formula(offset, data, shape, n_segments):
    embeddings = offset + data.draw(arrays(np.float32, shape, elements=EIGHTHS))
    centers = offset + data.draw(arrays(np.float32, (n_segments, shape[0]), elements=EIGHTHS))
    found = likelihood_images(embeddings, centers)
    assert found.dtype == np.float32
    assert found.shape == (n_segments, *shape[1:])
    assert ((found >= 0) & (found <= 1)).all()
    np.testing.assert_allclose(found, direct(embeddings, centers), rtol=0, atol=1e-6)


def test_a_large_image_is_computed_in_strips_that_meet(monkeypatch):
    rng = np.random.default_rng(0)
    embeddings = rng.normal(5, 2, (16, 40, 31)).astype(np.float32)
    centers = embeddings[:, ::13, ::11].reshape(16, -1).T
    monkeypatch.setattr(likelihood, "STRIP", 97)
    found = likelihood_images(embeddings, centers)
    np.testing.assert_allclose(found, direct(embeddings, centers), rtol=0, atol=1e-6)


def test_near_a_center_nothing_is_lost_to_rounding():
    embeddings = np.full((2, 1, 3), 1000, np.float32)
    embeddings[0, 0] += [0, 2**-10, 2**-9]
    found = likelihood_images(embeddings, np.full((1, 2), 1000, np.float32))
    np.testing.assert_allclose(found, [[[1, 0.5, 0]]], rtol=0, atol=1e-6)


@pytest.mark.parametrize("value", [0, 0.1, -12345.678])
def test_where_all_pixels_lie_on_the_center_all_are_likely(value):
    embeddings = np.full((3, 5, 7), value, np.float32)
    np.testing.assert_array_equal(likelihood_images(embeddings, embeddings[:, :1, 0].T), 1)


def test_where_all_pixels_lie_as_far_from_the_center_none_is_likely():
    embeddings = np.zeros((1, 2, 2), np.float32)
    np.testing.assert_array_equal(likelihood_images(embeddings, np.ones((1, 1), np.float32)), 0)


def test_inputs_stay_as_they_are():
    rng = np.random.default_rng(0)
    embeddings, centers = (rng.normal(size=s).astype(np.float32) for s in [(4, 3, 5), (2, 4)])
    before = embeddings.copy(), centers.copy()
    likelihood_images(embeddings, centers)
    np.testing.assert_array_equal(embeddings, before[0])
    np.testing.assert_array_equal(centers, before[1])
