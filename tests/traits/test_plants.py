import warnings

import numpy as np
import pytest

from leafwise.errors import LabelMapError
from leafwise.traits import measure_plants

COLUMNS = ["plant", "leaf_count", "area_px", "convex_hull_area_px", "compactness", "diameter_px"]


def test_two_plants_worked_by_hand():
    labels = np.zeros((20, 40), np.int32)
    labels[0:3, 0:4] = 1
    labels[0:3, 6:10] = 2  # with leaf 1 plant 1: its hull is the 3 x 10 rectangle around both
    labels[10:14, 30] = 3  # plant 2, a line
    frame = measure_plants(labels, np.array([0, 1, 1, 2], np.int32))
    assert frame.columns.tolist() == COLUMNS
    assert frame["plant"].tolist() == [1, 2]
    assert frame["leaf_count"].tolist() == [2, 1]
    assert frame["area_px"].tolist() == [24, 4]
    assert frame["convex_hull_area_px"].tolist() == [30, 4]
    assert frame["compactness"].tolist() == pytest.approx([0.8, 1])
    assert frame["diameter_px"].tolist() == pytest.approx([np.hypot(2, 9), 3])


def test_numbers_may_have_gaps():
    labels = np.array([[5, 0, 9, 2]])
    plants = np.zeros(10, np.int32)
    plants[[5, 9, 2, 3]] = [7, 4, 7, 1]  # leaf 3 has no pixel, so plant 1 has no row
    frame = measure_plants(labels, plants)
    assert frame["plant"].tolist() == [4, 7]
    assert frame["leaf_count"].tolist() == [1, 2]
    assert frame["diameter_px"].tolist() == [0, 3]


def test_leaves_of_no_plant_are_left_out():
    frame = measure_plants(np.array([[1, 2, 2]]), np.array([0, 1, 0]))
    assert frame[["plant", "leaf_count", "area_px"]].to_numpy().tolist() == [[1, 1, 1]]


def test_one_pixel_gives_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = measure_plants(np.array([[1]]), np.array([0, 1]))
    assert frame.to_numpy(float).tolist() == [[1, 1, 1, 1, 1, 0]]


def test_a_disc_has_its_diameter():
    rows, columns = np.mgrid[:103, :103] - 51
    frame = measure_plants((rows**2 + columns**2 <= 50**2).astype(np.int32), np.array([0, 1]))
    assert frame["diameter_px"][0] == 100
    assert frame["convex_hull_area_px"][0] == pytest.approx(np.pi * 50**2, rel=0.03)


def test_no_leaf_gives_all_columns_and_their_types():
    empty = measure_plants(np.zeros((4, 5), np.int32), np.array([0], np.int32))
    assert empty.columns.tolist() == COLUMNS
    assert len(empty) == 0
    one = measure_plants(np.ones((4, 5), np.int32), np.array([0, 1], np.int32))
    assert one.dtypes.equals(empty.dtypes)


def test_a_leaf_without_a_plant_number_is_named():
    with pytest.raises(LabelMapError, match="leaf 3 belongs to no plant"):
        measure_plants(np.array([[0, 3]]), np.array([0, 1, 1]))
