"""Sheets of pictures: how large they become, and that a leaf keeps its colour from picture to picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from leafwise.evaluation.scoring import make_candidates
from leafwise.evaluation.sheets import GROUND, MAX_CELL, Cell, draw_found, draw_sheet, numbered_like
from leafwise.imaging import compact_labels, write_image
from leafwise.models import load_model
from leafwise.plots import color_labels

CAPTION = 18  # pixels above each picture
GAP = 4


def picture_at(sheet, row, column, height, width):
    """One picture of a sheet, without its caption."""
    top = GAP + row * (CAPTION + height + GAP) + CAPTION
    left = GAP + column * (width + GAP)
    return sheet[top : top + height, left : left + width]


def test_nine_columns_of_real_size_stay_below_two_megabytes(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (530, 500, 3), np.uint8)  # no photo is harder to pack
    labels = np.arange(530 * 500).reshape(530, 500) // 9999
    row = [Cell("photo", noise), *[Cell("labels", labels)] * 8]
    sheet = draw_sheet([row] * 3)
    assert 2300 < sheet.shape[1] <= 2400
    write_image(tmp_path / "sheet.png", sheet)
    assert (tmp_path / "sheet.png").stat().st_size < 2_000_000


def test_pictures_of_other_shapes_are_fitted_into_one(two_leaves):
    wide, tall = np.full((10, 40, 3), 255, np.uint8), np.full((300, 100, 3), 255, np.uint8)
    sheet = draw_sheet([[Cell("", wide)], [Cell("", tall)], [Cell("", two_leaves)]])
    height = MAX_CELL * 3 // 2
    assert sheet.shape == (3 * (height + CAPTION + GAP) + GAP, MAX_CELL + 2 * GAP, 3)
    shares = [(picture_at(sheet, row, 0, height, MAX_CELL) != GROUND).any(2).mean() for row in range(3)]
    assert shares == pytest.approx([0.25 / 1.5, 0.5, 1 / 1.5], rel=0.01)


@given(
    arrays(np.int32, (4, 5), elements=st.integers(0, 3)),
    arrays(np.int32, (4, 5), elements=st.integers(0, 5)),
)
def test_new_numbers_part_the_leaves_as_before(truth, found):
    truth = compact_labels(truth)[0]
    again = numbered_like(truth, found)
    np.testing.assert_array_equal(again == 0, found == 0)
    pairs = {(int(a), int(b)) for a, b in zip(found.ravel(), again.ravel(), strict=True)}
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    for number in range(1, truth.max() + 1):  # a leaf with a true one's number lies on it somewhere
        assert not (again == number).any() or ((again == number) & (truth == number)).any()


def test_what_is_the_truth_in_other_numbers_gets_its_own():
    truth = np.array([[1, 1, 2], [0, 3, 2]], np.int32)
    found = np.array([[9, 9, 4], [0, 1, 4]], np.int32)
    np.testing.assert_array_equal(numbered_like(truth, found), truth)
    np.testing.assert_array_equal(numbered_like(truth, np.zeros_like(truth)), np.zeros_like(truth))
    empty = np.zeros_like(truth)
    assert set(np.unique(numbered_like(empty, found))) == {0, 1, 2, 3}


def test_a_row_is_photo_truth_and_what_each_candidate_found(painted_model, painted, two_leaves):
    model = load_model(painted_model)
    settings = model.card.segment
    candidates = make_candidates(["hdbscan", "true_means+cluster_net"], [settings.clustering], settings)
    sheet = draw_found(painted[:2], model, candidates)
    assert sheet.shape == (2 * (MAX_CELL + CAPTION + GAP) + GAP, 4 * (MAX_CELL + GAP) + GAP, 3)
    places = np.arange(MAX_CELL) * 64 // MAX_CELL
    truth = color_labels(two_leaves)[places][:, places]
    for row, column in (
        (0, 1),
        (1, 1),
        (0, 2),
        (0, 3),
        (1, 3),
    ):  # the leaves of the first plant are found as they are
        same = (picture_at(sheet, row, column, MAX_CELL, MAX_CELL) == truth).all(2)
        assert same.mean() > 0.97, (row, column)
    ghost = (picture_at(sheet, 1, 2, MAX_CELL, MAX_CELL) != truth).any(2)
    assert ghost.mean() == pytest.approx(4 * 40 / 64**2, rel=0.2)
