import numpy as np

from leafwise.plots import color_labels, draw_labels, draw_shares, enlarge, number_colors, thumbnail


def test_shares_are_grey_from_black_to_white():
    picture = draw_shares(np.array([[0, 0.5], [0.999, 1]], np.float32))
    assert picture.dtype == np.uint8
    assert picture[..., 0].tolist() == [[0, 128], [255, 255]]
    assert (picture == picture[..., :1]).all()


def test_enlarged_pixels_are_blocks_of_the_least_size_that_will_do():
    picture = np.random.default_rng(0).integers(0, 256, (3, 5, 3), dtype=np.uint8)
    for least, times in ((1, 1), (5, 1), (6, 2), (10, 2), (11, 3)):
        large = enlarge(picture, least)
        assert large.shape == (3 * times, 5 * times, 3)
        np.testing.assert_array_equal(large[::times, ::times], picture)
        np.testing.assert_array_equal(large[times - 1 :: times, times - 1 :: times], picture)


def test_labels_have_their_colors_and_a_number_in_the_middle():
    labels = np.zeros((8, 8), np.int32)
    labels[:, :3], labels[:, 5:] = 2, 7
    picture = draw_labels(labels, 160)
    flat = color_labels(enlarge(labels, 160))
    assert picture.shape == flat.shape == (160, 160, 3)
    written = (picture != flat).any(axis=2)
    assert written[:, :60].any()
    assert written[:, 100:].any()
    assert not written[:, 60:100].any()
    assert (picture[0, 0] == number_colors(np.array([2]))[0]).all()
    assert not draw_labels(np.zeros((8, 8), np.int32), 16).any()


def test_a_thumbnail_keeps_the_shape_of_what_it_shows():
    wide = thumbnail(np.full((50, 200, 3), 250, np.uint8), 64)
    assert wide.shape == (64, 64, 3)
    assert (wide[24:40] == 250).all()
    assert (wide[:23] < 100).all()
    assert (wide[41:] < 100).all()
    assert (thumbnail(np.full((10, 10, 3), 250, np.uint8), 64) == 250).all()
