from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from leafwise.config import LookSettings
from leafwise.imaging import Square
from leafwise.segmenter import find_plants
from leafwise.segmenter.views import look_sizes, nearer_size, nearness, shows_all, tile_photo

LOOKS = LookSettings(
    input_size=64, first_size=64, margin=0.0, plant_gap=0.15, photo_gap=0.0, smallest_plant=0.1
)


def mask(*boxes, size=64):
    """A foreground (size, size) of boxes (top, bottom, left, right), ends excluded."""
    foreground = np.zeros((size, size), bool)
    for top, bottom, left, right in boxes:
        foreground[top:bottom, left:right] = True
    return foreground


def views_of(*arguments, **options):
    return find_plants(*arguments, **options).views


def squares(views):
    return [view.square for view in views]


def test_nothing_is_no_plant():
    assert views_of(mask(), 64, 64, LOOKS) == []
    assert views_of(mask(), 64, 64, replace(LOOKS, one_plant=True)) == []


@pytest.mark.parametrize(("height", "width"), [(64, 64), (200, 150), (40, 300), (30, 20), (65, 64)])
def test_tiles_of_a_photo_cover_it_at_one_scale_and_half_of_each_is_the_next_ones(height, width):
    views = tile_photo(height, width, 64)
    assert {(view.square.side, view.plant) for view in views} == {(64, 1)}
    assert all(view.own.all() for view in views)
    seen = np.zeros((height, width), int)
    for view in views:
        seen[view.square.inside(height, width)] += 1
    assert seen.min() >= 1
    for starts, length in (({v.square.top for v in views}, height), ({v.square.left for v in views}, width)):
        if length <= 64:
            assert starts == {-((64 - length) // 2)}
        else:
            assert (min(starts), max(starts)) == (0, length - 64)
            assert max(np.diff(sorted(starts))) <= 32


def test_one_plant_has_the_square_around_it_and_all_of_the_square():
    (view,) = views_of(mask((10, 30, 20, 36)), 64, 64, LOOKS)
    assert view.square == Square(10, 18, 20)
    assert view.own.shape == (64, 64)
    assert view.own.all()


def test_the_margin_is_added_on_every_side():
    (view,) = views_of(mask((20, 40, 20, 40)), 64, 64, replace(LOOKS, margin=0.1))
    assert view.square == Square(18, 18, 24)


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (640, 640, Square(200, 200, 240)),
        (32, 32, Square(10, 10, 12)),
        (320, 640, Square(40, 200, 240)),  # 160 rows of the whole square lie above the photo
        (640, 320, Square(200, 40, 240)),
    ],
)
def test_squares_are_in_pixels_of_the_photo(height, width, expected):
    (view,) = views_of(mask((20, 44, 20, 44)), height, width, LOOKS)
    assert view.square == expected


def test_foreground_beyond_the_photo_does_not_count():
    (view,) = views_of(mask((10, 40, 20, 40)), 320, 640, LOOKS)  # the photo begins at row 16 of 64
    assert view.square == Square(0, 180, 240)
    assert views_of(mask((0, 10, 20, 40)), 320, 640, LOOKS) == []


def test_a_leaf_on_a_petiole_too_thin_to_be_seen_belongs_to_its_plant():
    plant, leaf = (10, 30, 10, 30), (18, 22, 32, 36)  # a gap of 2, the plant is 20 wide: 0.15 x 20 = 3
    (view,) = views_of(mask(plant, leaf), 64, 64, LOOKS)
    assert view.square == Square(7, 10, 26)


def test_pieces_far_from_the_plant_are_plants_of_their_own():
    views = views_of(mask((10, 30, 10, 30), (18, 28, 40, 50)), 64, 64, LOOKS)
    assert squares(views) == [Square(10, 10, 20), Square(18, 40, 10)]


@pytest.mark.parametrize(("gap", "n_plants"), [(1, 1), (3, 1), (4, 2), (10, 2)])
def test_the_gap_counts_in_parts_of_the_larger_extent(gap, n_plants):
    # 20 wide, 0.15 of it is 3 pixels of background between the pieces
    assert len(views_of(mask((10, 30, 10, 30), (16, 24, 30 + gap, 40 + gap)), 64, 64, LOOKS)) == n_plants


def test_pieces_in_a_row_join_one_after_another():
    boxes = [(20, 40, 2 + 14 * i, 14 + 14 * i) for i in range(4)]  # each 2 from the next
    (view,) = views_of(mask(*boxes), 64, 64, LOOKS)
    assert view.square == Square(3, 2, 54)


def test_pieces_that_touch_at_a_corner_are_one():
    (view,) = views_of(mask((10, 20, 10, 20), (20, 30, 20, 30)), 64, 64, replace(LOOKS, plant_gap=0.0))
    assert view.square == Square(10, 10, 20)


def test_four_plants_come_in_reading_order_each_with_its_own_part():
    boxes = [(4, 24, 4, 24), (4, 24, 40, 60), (40, 60, 4, 24), (40, 60, 40, 60)]
    views = views_of(mask(*boxes), 64, 64, LOOKS)
    assert squares(views) == [Square(4, 4, 20), Square(4, 40, 20), Square(40, 4, 20), Square(40, 40, 20)]
    for view in views:
        assert view.own.all()


def test_a_tray_whose_rows_are_not_quite_level_is_still_read_by_rows():
    # the upper right plant sits a little higher than the upper left one, the lower left a little lower
    boxes = [(6, 28, 2, 24), (4, 26, 38, 60), (40, 62, 2, 24), (37, 59, 38, 60)]
    found = squares(views_of(mask(*boxes), 64, 64, LOOKS))
    assert found == [Square(top, left, 22) for top, _, left, _ in boxes]


@settings(max_examples=50)
@given(jitter=st.lists(st.integers(-1, 1), min_size=9, max_size=9), side=st.integers(8, 14))
def test_three_rows_of_three_plants_are_read_by_rows(jitter, side):
    tops = [4 + 21 * (i // 3) + jitter[i] for i in range(9)]
    lefts = [2 + 21 * (i % 3) for i in range(9)]
    boxes = [(top, top + side, left, left + side) for top, left in zip(tops, lefts, strict=True)]
    found = squares(views_of(mask(*boxes), 64, 64, replace(LOOKS, plant_gap=0.0)))
    assert found == [Square(top, left, side) for top, left in zip(tops, lefts, strict=True)]


def test_a_speck_is_not_a_plant():
    boxes = (10, 40, 10, 40), (55, 58, 55, 58)  # 900 and 9 pixels: below a tenth
    assert squares(views_of(mask(*boxes), 64, 64, LOOKS)) == [Square(10, 10, 30)]
    both = views_of(mask(*boxes), 64, 64, replace(LOOKS, smallest_plant=0.005))
    assert squares(both) == [Square(10, 10, 30), Square(55, 55, 3)]


def test_one_plant_takes_everything():
    boxes = (4, 24, 4, 24), (40, 60, 40, 60), (0, 1, 63, 64)
    (view,) = views_of(mask(*boxes), 64, 64, replace(LOOKS, one_plant=True))
    assert view.square == Square(0, 4, 60)
    assert view.own.all()


def test_what_is_nearer_to_another_plant_is_not_a_plants_own():
    # an L around a small plant: the small plant lies inside the large one's square
    boxes = (4, 44, 4, 12), (36, 44, 4, 44), (12, 22, 28, 38)
    large, small = sorted(
        views_of(mask(*boxes), 64, 64, replace(LOOKS, smallest_plant=0.0)), key=lambda v: -v.square.side
    )
    assert large.square == Square(4, 4, 40)
    assert small.square == Square(12, 28, 10)
    centers = (np.arange(64) + 0.5) * 40 / 64 + 4  # of the grid's cells, in the photo
    rows, cols = np.meshgrid(centers, centers, indexing="ij")
    in_small = (rows > 12) & (rows < 22) & (cols > 28) & (cols < 38)
    in_large = ((rows > 4) & (rows < 44) & (cols > 4) & (cols < 12)) | ((rows > 36) & (cols < 44))
    assert not large.own[in_small].any()
    assert large.own[in_large].all()
    assert small.own.all()


def cross(top, left):
    """A plant of 12 x 12 cells with leaves two cells wide: its square is 8.5 times as large as it is deep."""
    return (top + 5, top + 7, left, left + 12), (top, top + 12, left + 5, left + 7)


def tray_with_a_clump():
    """Six plants, and between them three that touch."""
    places = [(top, left) for top in (2, 46) for left in (2, 22, 42)] + [(24, left) for left in (2, 14, 26)]
    return mask(*(box for place in places for box in cross(*place)))


def test_plants_that_touch_are_seen_in_tiles_of_an_ordinary_plants_size():
    views = views_of(tray_with_a_clump(), 1280, 1280, LOOKS)  # 20 pixels a cell
    assert [view.plant for view in views] == [1, 2, 3, 4, 4, 4, 4, 5, 6, 7]
    singles = [view.square for view in views if view.plant != 4]
    assert singles == [Square(top, left, 240) for top in (40, 920) for left in (40, 440, 840)]
    side = int(12 * 20 * 2**0.5)  # of a depth of a cell's diagonal
    tiles = [view.square for view in views if view.plant == 4]
    assert {(tile.top, tile.side) for tile in tiles} == {(480 - (side - 240) // 2, side)}
    assert (tiles[0].left, tiles[-1].left + side) == (40, 40 + 720)
    assert all(view.own.any() for view in views)


def test_a_small_photo_is_not_seen_in_tiles():
    views = views_of(tray_with_a_clump(), 768, 768, LOOKS)
    assert [view.plant for view in views] == [1, 2, 3, 4, 5, 6, 7]


def test_a_plant_with_larger_leaves_is_no_clump():
    small = [(2, 10, left, left + 8) for left in (2, 14, 26, 38, 50)]
    views = views_of(mask((20, 56, 10, 46), *small), 1280, 1280, replace(LOOKS, smallest_plant=0.0))
    assert [view.square.side for view in views] == [160] * 5 + [720]


def test_a_given_side_is_kept_to_in_any_photo():
    views = views_of(mask((10, 50, 10, 50)), 64, 64, replace(LOOKS, tile_side=32))
    assert [view.square for view in views] == [Square(top, left, 32) for top in (10, 18) for left in (10, 18)]
    assert {view.plant for view in views} == {1}
    (whole,) = views_of(mask((10, 50, 10, 50)), 64, 64, replace(LOOKS, tile_side=40))
    assert whole.square == Square(10, 10, 40)


def test_two_plants_of_a_kind_do_not_join_over_a_gap_that_the_look_resolves():
    near = replace(LOOKS, photo_gap=0.1)  # a reach of 6 cells and a part of the extent
    assert len(views_of(mask((10, 30, 4, 24), (10, 30, 28, 48)), 64, 64, near)) == 2
    assert len(views_of(mask((10, 30, 4, 24), (10, 30, 26, 46)), 64, 64, near)) == 1


def test_a_leaf_between_two_plants_goes_to_the_nearer_and_joins_them_not():
    plants, leaf = ((10, 30, 2, 22), (10, 30, 34, 54)), (18, 22, 25, 29)
    left, right = views_of(mask(*plants, leaf), 64, 64, replace(LOOKS, photo_gap=0.05))
    assert (left.square.side, right.square.side) == (27, 20)


def test_a_photos_gap_is_that_of_one_look():
    pieces = mask((10, 30, 10, 30), (16, 24, 34, 42))  # 4 cells apart
    looks = replace(LOOKS, plant_gap=0.0, photo_gap=0.1)
    assert len(views_of(pieces, 64, 64, looks)) == 1
    assert len(views_of(pieces, 64, 64, looks, zoom=4.0)) == 2


@pytest.mark.parametrize(
    ("height", "width", "near"),
    # 24 pixels of the photo, 12 of the look a cell: 3 cells are 2 deep, 24 of 14 pixels, 1 is 12; half the look is 384
    [(20, 3, 24 / 14), (20, 1, 12 / 14), (31, 1, 372 / 384), (32, 1, 1.0)],
)
def test_how_near_a_look_is_goes_by_how_thick_plants_are_and_how_much_of_it_they_fill(height, width, near):
    looks = replace(LOOKS, first_size=768)
    whole = Square(0, 0, 1536)
    for lefts in ((5,), (5, 40)):  # a second plant of the kind changes nothing
        boxes = [(5, 5 + height, left, left + width) for left in lefts]
        views = views_of(mask(*boxes), 1536, 1536, looks)
        assert nearness(views, whole, 768, looks) == pytest.approx(near)
    assert nearness([], whole, 768, looks) == 0


@pytest.mark.parametrize(
    ("boxes", "enough"),
    [
        ([], False),
        ([(20, 52, 20, 52)], True),
        ([(20, 28, 20, 52)], True),  # four times as long as wide
        ([(20, 26, 0, 64)], False),  # ten times: plants in a row may look so
        (
            [(20, 51, 20, 51)],
            False,
        ),  # a little less than half the photo's side: others may be too small to be seen
        ([(2, 34, 2, 34), (40, 60, 40, 60)], False),
        ([(20, 52, 20, 52), (60, 61, 60, 61)], True),  # the second is too small to be a plant
        (
            [(16, 48, 0, 31), (16, 48, 33, 64)],
            False,
        ),  # a gap so narrow that they count as one, from nearer as two
        ([(16, 48, 0, 31), (30, 34, 33, 37)], True),  # a small leaf across such a gap
    ],
)
def test_a_glance_shows_all_where_one_plant_fills_half_of_it(boxes, enough):
    for side in (640, 4096):
        found = find_plants(mask(*boxes), side, side, LOOKS)
        assert shows_all(found, Square(0, 0, side)) == enough


def test_a_glance_does_not_do_where_something_is_in_doubt():
    foreground = np.where(mask((2, 34, 2, 34)), 0.99, 0.0) + np.where(mask((40, 60, 40, 60)), 0.7, 0.0)
    found = find_plants(foreground, 640, 640, LOOKS)
    assert len(found.views) == found.n_doubted == 1
    assert not shows_all(found, Square(0, 0, 640))


def test_a_large_photo_may_be_looked_at_from_nearer():
    looks = LookSettings()
    assert look_sizes(Square(0, 0, 768), looks) == (768, 768)
    assert look_sizes(Square(0, 0, 400), looks) == (384, 384)
    assert look_sizes(Square(0, 0, 2000), looks) == (768, 1984)
    assert look_sizes(Square(0, 0, 9999), looks) == (768, 6144)
    assert look_sizes(Square(0, 0, 9999), replace(looks, largest_zoom=1)) == (768, 768)


@given(size=st.integers(12, 200), near=st.floats(0, 1, exclude_max=True), n_doubted=st.integers(0, 2))
def test_the_next_look_is_nearer_by_what_is_missing_and_not_more_than_twice(size, near, n_doubted):
    size *= 32
    following = nearer_size(size, near, n_doubted)
    assert following % 32 == 0
    if n_doubted > 0 or near <= 0.5:
        assert following == 2 * size
    else:
        missing = size / near
        assert missing <= following <= max(1.15 * missing, 1.4 * size) + 32


@settings(max_examples=50)
@given(
    foreground=arrays(bool, (16, 16)),
    height=st.integers(16, 90),
    width=st.integers(16, 90),
    gap=st.floats(0, 0.5),
    smallest=st.floats(0, 1),
)
def test_any_foreground_gives_squares_that_the_photo_reaches_into(foreground, height, width, gap, smallest):
    looks = LookSettings(margin=0.08, plant_gap=gap, smallest_plant=smallest)
    views = views_of(foreground, height, width, looks)
    for view in views:
        rows, cols = view.square.inside(height, width)
        assert rows.start < rows.stop
        assert cols.start < cols.stop
        assert view.own.shape == (16, 16)
        assert view.own.dtype == bool
    if foreground[6:10, 6:10].any() and height == width:
        assert views


@pytest.mark.parametrize(
    ("sure", "doubt", "kept"), [(0.95, 0.1, 2), (0.85, 0.1, 1), (0.85, 1.0, 2), (0.85, 0.0, 1)]
)
def test_what_the_network_doubts_is_no_plant_beside_a_larger_one(sure, doubt, kept):
    large, small = (4, 34, 4, 34), (44, 60, 44, 60)
    foreground = 0.98 * mask(large) + sure * mask(small)
    foreground[46, 44:60] = foreground[4, 4:34] = 0.6  # a few unsure cells of either say nothing
    found = find_plants(foreground, 64, 64, replace(LOOKS, doubt=doubt))
    views = found.views
    assert found.n_doubted == 2 - kept
    assert squares(views) == [Square(4, 4, 30), Square(44, 44, 16)][:kept]
    assert [view.plant for view in views] == list(range(1, kept + 1))


def test_the_largest_plant_stays_however_unsure_the_network_is():
    foreground = 0.6 * mask((4, 34, 4, 34)) + 0.98 * mask((44, 60, 44, 60))
    assert len(views_of(foreground, 64, 64, LOOKS)) == 2
    assert views_of(foreground, 64, 64, LOOKS, threshold=0.7)[0].square == Square(44, 44, 16)
