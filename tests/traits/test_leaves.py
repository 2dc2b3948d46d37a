import warnings

import numpy as np
import pytest

from leafwise.errors import LabelMapError
from leafwise.imaging import read_image, read_labels
from leafwise.traits import measure_leaves

COLUMNS = [
    "leaf",
    "area_px",
    "centroid_row_px",
    "centroid_col_px",
    "bbox_top_px",
    "bbox_left_px",
    "bbox_bottom_px",
    "bbox_right_px",
    "perimeter_px",
    "major_axis_px",
    "minor_axis_px",
    "circularity",
    "solidity",
    "mean_red",
    "mean_green",
    "mean_blue",
]


def photo_of(labels, color=(10, 200, 30)):
    return np.broadcast_to(np.array(color, np.uint8), (*labels.shape, 3)).copy()


def only_leaf(labels):
    frame = measure_leaves(photo_of(labels), labels)
    assert len(frame) == 1
    return frame.iloc[0]


def test_a_rectangle():
    labels = np.zeros((60, 80), np.int32)
    labels[10:50, 5:65] = 3
    leaf = only_leaf(labels)
    assert leaf["leaf"] == 3
    assert leaf["area_px"] == 40 * 60
    assert (leaf["centroid_row_px"], leaf["centroid_col_px"]) == (29.5, 34.5)
    assert leaf[["bbox_top_px", "bbox_left_px", "bbox_bottom_px", "bbox_right_px"]].tolist() == [
        10,
        5,
        50,
        65,
    ]
    assert leaf["perimeter_px"] == pytest.approx(2 * (40 + 60), rel=0.07)
    # a pixel row of length n has the variance (n^2 - 1) / 12, and an axis is 4 standard deviations
    assert leaf["major_axis_px"] == pytest.approx(4 * np.sqrt((60**2 - 1) / 12))
    assert leaf["minor_axis_px"] == pytest.approx(4 * np.sqrt((40**2 - 1) / 12))
    assert leaf["solidity"] == 1
    assert leaf["circularity"] == pytest.approx(4 * np.pi * 2400 / 200**2, rel=0.15)


@pytest.mark.parametrize(("radius", "tolerance"), [(10, 0.07), (40, 0.015), (100, 0.01)])
def test_a_disc(radius, tolerance):
    rows, columns = np.mgrid[: 2 * radius + 3, : 2 * radius + 3] - radius - 1
    leaf = only_leaf((rows**2 + columns**2 <= radius**2).astype(np.int32))
    assert leaf["perimeter_px"] == pytest.approx(2 * np.pi * radius, rel=tolerance)
    assert leaf["circularity"] == pytest.approx(1, abs=tolerance)
    assert leaf["major_axis_px"] == pytest.approx(2 * radius, rel=tolerance)
    assert leaf["minor_axis_px"] == pytest.approx(2 * radius, rel=tolerance)
    assert 1 - 1 / radius < leaf["solidity"] < 1


def test_a_line():
    labels = np.zeros((5, 40), np.int32)
    labels[2, 5:35] = 1
    leaf = only_leaf(labels)
    assert leaf["perimeter_px"] == pytest.approx(2 * (30 + 1), rel=0.08)
    assert leaf["minor_axis_px"] == 0
    assert leaf["solidity"] == 1
    assert leaf["circularity"] < 0.2


@pytest.mark.parametrize("pixels", [[(0, 0)], [(3, 2)], [(1, 1), (2, 2)], [(0, 0), (0, 1)], [(0, 0), (4, 4)]])
def test_few_pixels_give_finite_values_and_no_warning(pixels):
    labels = np.zeros((5, 5), np.int32)
    labels[tuple(np.transpose(pixels))] = 2**31 - 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        leaf = only_leaf(labels)
    assert leaf["leaf"] == 2**31 - 1
    assert leaf["area_px"] == len(pixels)
    assert np.isfinite(leaf.to_numpy(float)).all()
    assert 0 < leaf["circularity"] <= 1
    assert 0 < leaf["solidity"] <= 1
    assert leaf["perimeter_px"] > 0


def test_a_leaf_in_two_pieces_is_measured_as_one():
    labels = np.zeros((40, 60), np.int32)
    labels[10:30, 5:25] = 1
    one = only_leaf(labels)
    labels[10:30, 35:55] = 1
    both = only_leaf(labels)
    assert both["area_px"] == 800
    assert both["perimeter_px"] == pytest.approx(2 * one["perimeter_px"])
    assert both["solidity"] == pytest.approx(800 / (20 * 50))
    assert both["centroid_col_px"] == 29.5
    assert both["bbox_right_px"] - both["bbox_left_px"] == 50


def test_mean_color_is_that_of_the_leaf_alone():
    labels = np.array([[0, 7, 7, 9]])
    image = np.array([[[255, 255, 255], [10, 20, 30], [20, 40, 61], [1, 2, 3]]], np.uint8)
    frame = measure_leaves(image, labels)
    assert frame["leaf"].tolist() == [7, 9]
    assert frame[["mean_red", "mean_green", "mean_blue"]].to_numpy().tolist() == [[15, 30, 45.5], [1, 2, 3]]


def test_no_leaf_gives_all_columns_and_their_types():
    labels = np.zeros((4, 5), np.int32)
    empty = measure_leaves(photo_of(labels), labels)
    assert empty.columns.tolist() == COLUMNS
    assert len(empty) == 0
    labels[1, 1] = 1
    assert measure_leaves(photo_of(labels), labels).dtypes.equals(empty.dtypes)


def test_neither_the_photo_nor_the_labels_are_changed():
    labels = np.array([[0, 5], [5, 0]], np.int32)
    image = photo_of(labels)
    image.flags.writeable = labels.flags.writeable = False
    assert measure_leaves(image, labels)["area_px"].tolist() == [2]


@pytest.mark.parametrize("shape", [(4, 4, 3), (5, 4, 3), (4, 5), (4, 5, 4)])
def test_shapes_that_differ(shape):
    with pytest.raises(LabelMapError, match="cannot belong"):
        measure_leaves(np.zeros(shape, np.uint8), np.zeros((4, 5), np.int32))


@pytest.mark.shared
def test_a_real_photo_has_a_row_for_each_leaf_and_green_ones(shared):
    image = read_image(shared / "data" / "cvppp_a1" / "plant047_rgb.png")
    labels = read_labels(shared / "data" / "cvppp_a1" / "plant047_label.png")
    frame = measure_leaves(image, labels)
    assert len(frame) == 19
    assert (frame["mean_green"] > frame["mean_red"]).all()
    assert (frame["major_axis_px"] >= frame["minor_axis_px"]).all()
