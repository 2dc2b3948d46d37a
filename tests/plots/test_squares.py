import numpy as np

from leafwise.imaging import FILL, Square
from leafwise.plots import draw_squares, number_colors

GREY = 90


def photo(height, width):
    return np.full((height, width, 3), GREY, np.uint8)


def has_color(picture, number):
    return (picture == number_colors(np.array([number]))[0]).all(axis=-1)


def test_each_square_is_outlined_in_the_color_of_its_number():
    before = photo(300, 400)
    picture = draw_squares(before, [Square(20, 30, 100), Square(150, 200, 120)])
    assert picture.shape == (300, 400, 3)
    for number, (top, left, side) in enumerate([(20, 30, 100), (150, 200, 120)], 1):
        outline = has_color(picture, number)
        rows, cols = np.nonzero(outline)
        assert (rows.min(), rows.max(), cols.min(), cols.max()) == (
            top,
            top + side - 1,
            left,
            left + side - 1,
        )
        assert outline[top, left : left + side].all()
        assert outline[top : top + side, left + side - 1].all()
        assert not outline[top + 10 : top + side - 10, left + 10 : left + side - 10].any()
        corner = picture[top + 4 : top + 50, left + 4 : left + 50]
        assert (corner == 255).all(axis=2).any()  # the number
    assert (before == GREY).all()


def test_the_picture_reaches_as_far_as_its_squares():
    picture = draw_squares(photo(60, 100), [Square(-20, 0, 100)])
    assert picture.shape == (100, 100, 3)
    assert has_color(picture, 1)[[0, -1]].all()
    assert (picture[15, 50] == FILL).all()
    assert (picture[50, 50] == GREY).all()
    assert draw_squares(photo(60, 100), [Square(10, 70, 80)]).shape == (90, 150, 3)


def test_no_squares_leave_the_photo_as_it_is():
    np.testing.assert_array_equal(draw_squares(photo(40, 50), []), photo(40, 50))
