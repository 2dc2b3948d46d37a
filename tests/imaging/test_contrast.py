import numpy as np
import pytest

from leafwise.imaging import stretch_contrast


def grey(values):
    return np.repeat(np.asarray(values, np.uint8)[..., None], 3, axis=2)


def by_percentiles(image):
    low, high = np.percentile(image, [1, 99.8])
    return np.clip((image - low) / (high - low), 0, 1) * 255


@pytest.mark.parametrize(("low", "high"), [(3, 40), (20, 60), (0, 255), (200, 250)])
def test_a_grey_photo_is_stretched_between_its_percentiles(low, high):
    image = grey(np.random.default_rng(0).integers(low, high, (60, 50), endpoint=True))
    stretched = stretch_contrast(image)
    assert stretched.shape == image.shape
    assert stretched.dtype == np.uint8
    step = 255 / (high - low)  # a percentile between two values is either of them, at both ends
    np.testing.assert_allclose(stretched, by_percentiles(image), rtol=0, atol=2 * step + 1)
    assert stretched.min() == 0
    assert stretched.max() >= 254  # rounded down


def test_the_order_of_brightness_stays_and_once_more_changes_little():
    image = grey(np.random.default_rng(1).normal(30, 5, (80, 80)).clip(0, 255))
    stretched = stretch_contrast(image)
    order = np.argsort(image[..., 0], axis=None, kind="stable")
    assert (np.diff(stretched[..., 0].ravel()[order].astype(int)) >= 0).all()
    again = stretch_contrast(stretched).astype(int)
    assert np.abs(again - stretched).max() <= 255 * 0.1


def test_colours_are_stretched_by_their_brightest_channel():
    image = np.random.default_rng(2).integers(10, 60, (40, 40, 3), dtype=np.uint8)
    stretched = stretch_contrast(image).astype(int)
    low, high = np.percentile(image.max(2), [1, 99.8])
    step = 255 / (high - low)
    expected = ((image - low) * step).clip(0, 255)
    np.testing.assert_allclose(stretched, expected, rtol=0, atol=2 * step + 1)


@pytest.mark.parametrize("channel", range(3))
def test_a_photo_in_one_channel_is_stretched_as_a_grey_one(channel):
    grey_one = grey(np.random.default_rng(3).integers(15, 180, (50, 60)))
    image = np.zeros_like(grey_one)
    image[..., channel] = grey_one[..., channel]
    stretched = stretch_contrast(image)
    np.testing.assert_array_equal(stretched[..., channel], stretch_contrast(grey_one)[..., channel])
    assert not np.delete(stretched, channel, axis=2).any()


def test_a_photo_of_one_brightness_stays_and_the_given_one_is_not_changed():
    flat = np.full((20, 30, 3), 7, np.uint8)
    np.testing.assert_array_equal(stretch_contrast(flat), flat)
    image = grey(np.arange(100).reshape(10, 10))
    before = image.copy()
    assert stretch_contrast(image).flags.writeable
    np.testing.assert_array_equal(image, before)
