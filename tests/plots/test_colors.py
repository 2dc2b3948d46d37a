import numpy as np
import pytest
from skimage.color import deltaE_cie76, rgb2lab

from leafwise.errors import LabelMapError
from leafwise.plots import color_labels, number_colors


def test_each_leaf_has_the_color_of_its_number_and_the_background_is_black():
    labels = np.array([[0, 3, 2**31 - 1], [3, 3, 0]], np.int32)
    picture = color_labels(labels)
    assert picture.shape == (2, 3, 3)
    assert picture.dtype == np.uint8
    colors = number_colors(np.array([3, 2**31 - 1]))
    assert np.array_equal(picture[labels == 0], np.zeros((2, 3)))
    assert np.array_equal(picture[labels == 3], colors[[0, 0, 0]])
    assert np.array_equal(picture[labels > 3], colors[[1]])


def test_a_number_keeps_its_color_whatever_else_is_in_the_picture():
    assert np.array_equal(color_labels(np.array([[1, 2, 4]]))[0, 2], color_labels(np.array([[4]]))[0, 0])


def test_numbers_near_each_other_have_colors_that_the_eye_tells_apart():
    lab = rgb2lab(number_colors(np.arange(1, 101))[None] / 255)[0]
    for apart in range(1, 21):
        assert deltaE_cie76(lab[apart:], lab[:-apart]).min() > 15  # 2.3 is just noticeable


def test_every_color_stands_out_from_black_and_from_leaves():
    colors = number_colors(np.arange(1, 200)) / 255
    assert (rgb2lab(colors[None])[0, :, 0] > 45).all()
    leaf_green = rgb2lab(np.array([[[100, 150, 25]]]) / 255)
    assert deltaE_cie76(rgb2lab(colors[None]), leaf_green).min() > 30


def test_no_leaf():
    assert not color_labels(np.zeros((2, 2), np.int32)).any()
    assert color_labels(np.zeros((0, 5), np.int32)).shape == (0, 5, 3)


def test_what_is_no_label_map():
    with pytest.raises(LabelMapError):
        color_labels(np.zeros((2, 2, 3), np.uint8))
