import numpy as np
import pytest
from PIL import Image, ImageDraw

from leafwise.errors import LabelMapError
from leafwise.imaging import read_image, read_labels
from leafwise.plots import draw_overlay, number_colors, overlay
from leafwise.plots.text import write_centered

GREY = 90


def grey_photo(labels):
    return np.full((*labels.shape, 3), GREY, np.uint8)


def drawn(labels):
    """Where the overlay differs from the photo."""
    return (draw_overlay(grey_photo(labels), labels) != GREY).any(axis=2)


def color_at(picture, number):
    return (picture == number_colors(np.array([number]))[0]).all(axis=2)


def test_the_outline_lies_inside_its_leaf_all_around():
    labels = np.zeros((120, 140), np.int32)
    labels[20:100, 30:110] = 4
    picture = draw_overlay(grey_photo(labels), labels)
    border = np.zeros(labels.shape, bool)
    border[20:100, 30:110] = True
    border[21:99, 31:109] = False
    assert np.array_equal(color_at(picture, 4), border)
    assert (picture[labels == 0] == GREY).all()


def test_leaves_that_touch_have_a_line_each():
    labels = np.zeros((100, 200), np.int32)
    labels[10:90, 20:100], labels[10:90, 100:180] = 1, 2
    picture = draw_overlay(grey_photo(labels), labels)
    assert color_at(picture, 1)[10:90, 99].all()
    assert color_at(picture, 2)[10:90, 100].all()


def test_lines_grow_with_the_photo_but_leave_a_narrow_leaf_open():
    labels = np.zeros((2000, 900), np.int32)
    labels[100:1900, 100:500], labels[100:1900, 600:606] = 1, 2
    picture = draw_overlay(grey_photo(labels), labels)
    assert color_at(picture, 1)[300, 100:110].sum() == 4
    assert color_at(picture, 2)[300, 600:606].tolist() == [True, False, False, False, False, True]


def test_the_number_is_where_the_leaf_is_widest():
    labels = np.zeros((200, 300), np.int32)
    labels[98:102, 10:200] = 8  # petiole
    labels[60:140, 200:280] = 8  # blade, and so the number's place
    inside = drawn(labels)
    inside[58:142, 198:202] = False
    rows, columns = np.nonzero(inside[70:130, 210:270])
    assert len(rows) > 20
    assert (rows.min() + rows.max()) / 2 + 70 == pytest.approx(99.5, abs=2)
    assert (columns.min() + columns.max()) / 2 + 210 == pytest.approx(239.5, abs=2)


def test_the_number_of_a_leaf_in_two_pieces_stands_in_the_larger_one():
    labels = np.zeros((200, 300), np.int32)
    labels[50:90, 10:50] = 1
    labels[50:150, 150:250] = 1
    inside = drawn(labels)
    assert not inside[55:85, 15:45].any()
    assert inside[60:140, 160:240].any()


def test_numbers_are_as_large_as_their_leaves_allow_and_never_illegible():
    heights = []
    for side in (3, 30, 40, 200):
        labels = np.zeros((600, 600), np.int32)
        labels[300 : 300 + side, 300 : 300 + side] = 1
        picture = draw_overlay(grey_photo(labels), labels)
        rows = np.flatnonzero(((picture == 255).all(axis=2)).any(axis=1))
        heights.append(len(rows))
    assert heights[0] >= 8
    assert heights[0] < heights[2] <= heights[3] <= 600 / 25
    assert sorted(heights) == heights


@pytest.mark.parametrize(("n_small", "numbered"), [(99, True), (100, False)])
def test_among_many_a_number_never_hides_more_than_its_own(n_small, numbered):
    labels = np.zeros((300, 300), np.int32)
    for i in range(n_small):
        row, col = divmod(i, 15)
        labels[20 * row + 2 : 20 * row + 7, 20 * col + 2 : 20 * col + 7] = i + 1
    labels[200:290, 200:290] = n_small + 1
    picture = draw_overlay(np.zeros((300, 300, 3), np.uint8), labels)
    assert picture[:190][labels[:190] == 0].any() == numbered  # numbers reach out of leaves of 5 x 5 pixels
    assert (picture[230:260, 230:260] == 255).any()  # the large one has its own


def test_the_number_has_a_dark_halo():
    labels = np.ones((100, 100), np.int32)
    picture = draw_overlay(np.full((100, 100, 3), 255, np.uint8), labels)
    assert (picture[40:60, 40:60] == 0).all(axis=2).any()


def test_the_number_of_a_leaf_in_the_corner_is_not_cut_off():
    labels = np.zeros((80, 80), np.int32)
    labels[40:46, 40:46] = 8
    middle = (draw_overlay(grey_photo(labels), labels) == 255).all(axis=2).sum()
    for corner in (np.s_[:6, :6], np.s_[:6, -6:], np.s_[-6:, :6], np.s_[-6:, -6:]):
        labels = np.zeros((80, 80), np.int32)
        labels[corner] = 8
        assert (draw_overlay(grey_photo(labels), labels) == 255).all(axis=2).sum() == pytest.approx(
            middle, rel=0.5
        )


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 2), (12, 12)])
@pytest.mark.parametrize("value", [0, 1, 2**31 - 1])
def test_tiny_photos(shape, value):
    labels = np.full(shape, value, np.int32)
    picture = draw_overlay(grey_photo(labels), labels)
    assert picture.shape == (*shape, 3)
    assert picture.dtype == np.uint8
    assert (picture == GREY).all() == (value == 0)


def test_the_photo_is_not_changed():
    labels = np.ones((30, 30), np.int32)
    image = grey_photo(labels)
    image.flags.writeable = False
    picture = draw_overlay(image, labels)
    picture[0, 0] = 0
    assert (image == GREY).all()


def test_shapes_that_differ():
    with pytest.raises(LabelMapError, match="cannot belong"):
        draw_overlay(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5), np.int32))


@pytest.mark.shared
def test_a_real_photo_has_an_outline_in_the_color_of_each_leaf(shared):
    image = read_image(shared / "data" / "cvppp_a1" / "plant047_rgb.png")
    labels = read_labels(shared / "data" / "cvppp_a1" / "plant047_label.png")
    picture = draw_overlay(image, labels)
    assert all(color_at(picture, number).any() for number in range(1, 20))


@pytest.mark.parametrize("shape", [(300, 400), (40, 300), (300, 30), (14, 14)])
@pytest.mark.parametrize("number", [7, 12345])
def test_a_number_written_by_way_of_its_surroundings_is_as_on_the_whole_picture(shape, number):
    height, width = shape
    for row, col in ((0, 0), (height - 1, width - 1), (height // 2, 0), (height // 2, width // 2)):
        picture = np.random.default_rng(row).integers(0, 256, (*shape, 3), dtype=np.uint8)
        canvas = Image.fromarray(picture)
        size = max(12, round(max(shape) / 25))
        write_centered(ImageDraw.Draw(canvas), str(number), (col + 0.5, row + 0.5), size)
        overlay._write_numbers(picture, [overlay._Place(number, row, col, depth=1000.0)])
        np.testing.assert_array_equal(picture, np.asarray(canvas))
