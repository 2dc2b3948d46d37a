import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafwise.segmenter.tiles import STEP, Tile, agreeing, cover, join_tiles, look_tiles


def tiles_of(labels, side, step, shuffle=0):
    """A label map (h, w) as tiles see it that agree on everything; each numbers its leaves in its own way."""
    height, width = labels.shape
    found = []
    for top in range(0, max(height - side, 0) + 1, step):
        for left in range(0, max(width - side, 0) + 1, step):
            rows, cols = slice(top, min(top + side, height)), slice(left, min(left + side, width))
            numbers = np.unique(labels[rows, cols], return_inverse=True)[1].reshape(labels[rows, cols].shape)
            numbers = numbers + (0 not in labels[rows, cols])
            order = np.random.default_rng(shuffle + len(found)).permutation(numbers.max()) + 1
            found.append(Tile(rows, cols, np.concatenate([[0], order])[numbers]))
    return found


def assert_same_leaves(found, truth):
    assert found.shape == truth.shape
    pairs = set(zip(found.ravel().tolist(), truth.ravel().tolist(), strict=True))
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    assert all((a == 0) == (b == 0) for a, b in pairs)


@pytest.mark.parametrize("rows", [(0, 10), (5, 40), (3, 300)])
@pytest.mark.parametrize("cols", [(0, 32), (7, 40), (-4, 111)])
@pytest.mark.parametrize("margin", [0, 0.1])
def test_squares_cover_their_box_and_share_half_with_the_next(rows, cols, margin):
    squares = cover(slice(*rows), slice(*cols), 32, margin)
    seen = {(row, col) for s in squares for row in (s.top, s.top + 31) for col in (s.left, s.left + 31)}
    assert min(row for row, _ in seen) <= rows[0]
    assert max(row for row, _ in seen) >= rows[1] - 1
    assert min(col for _, col in seen) <= cols[0]
    assert max(col for _, col in seen) >= cols[1] - 1
    tops, lefts = sorted({s.top for s in squares}), sorted({s.left for s in squares})
    assert len(squares) == len(tops) * len(lefts)
    assert all(step <= 16 for starts in (tops, lefts) for step in np.diff(starts))


@given(largest=st.integers(2, 12), size=st.integers(1, 72))
def test_the_cores_of_a_look_are_all_of_it_each_well_within_its_tile(largest, size):
    largest, size = 32 * largest, 32 * size
    times_seen = np.zeros((size // STEP, size // STEP), int)
    for tile, core in look_tiles(size, largest):
        assert tile.side % 32 == 0
        assert tile.side <= largest
        for start, part in zip((tile.top, tile.left), core, strict=True):
            assert start % STEP == part.start % STEP == part.stop % STEP == 0
            # an eighth of the largest tile, less what falls on the grid, is seen around it, but for the look's border
            around = largest / 8 - STEP
            assert part.start - start >= (around if part.start > 0 else 0)
            assert start + tile.side - part.stop >= (around if part.stop < size else 0)
        times_seen[tuple(slice(part.start // STEP, part.stop // STEP) for part in core)] += 1
    assert (times_seen == 1).all()


@pytest.mark.parametrize(
    ("size", "sides"), [(768, [768]), (800, [512] * 4), (1344, [768] * 4), (1536, [640] * 9)]
)
def test_a_look_has_few_tiles_and_small_ones(size, sides):
    assert [tile.side for tile, _ in look_tiles(size, 768)] == sides


def test_leaves_agree_by_more_than_half_of_what_they_cover_where_both_see():
    one = Tile(slice(0, 2), slice(0, 6), np.array([[1, 1, 1, 1, 2, 2], [0, 0, 0, 0, 2, 2]]))
    two = Tile(slice(0, 2), slice(2, 8), np.array([[5, 5, 3, 3, 3, 3], [0, 0, 7, 3, 3, 3]]))
    assert agreeing(one, two) == [(1, 5), (2, 3)]  # 2 of 2 and 3 of 4
    half = Tile(slice(0, 2), slice(2, 8), np.array([[5, 5, 3, 3, 0, 0], [0, 0, 7, 7, 0, 0]]))
    assert agreeing(one, half) == [(1, 5)]  # 2 of 4 is not more than half
    assert agreeing(one, Tile(slice(0, 2), slice(6, 8), np.ones((2, 2), int))) == []


def test_the_rims_of_two_leaves_that_lie_beside_a_third_do_not_make_them_one():
    left, right = np.zeros((20, 30), int), np.zeros((20, 30), int)
    left[:, 2:12] = 1  # a leaf that the right tile does not see
    left[5:15, 18:26] = 2
    left[5:15, 17] = 1  # the rim of the leaf between, given to its neighbour
    right[5:15, 4:12] = 1
    right[5:15, 3] = 2  # the same rim, given to the neighbour on its other side
    right[:, 18:28] = 2
    one, other = Tile(slice(0, 20), slice(0, 30), left), Tile(slice(0, 20), slice(14, 44), right)
    assert agreeing(one, other) == [(2, 1)]
    joined = join_tiles([one, other]).labels
    assert len(set(joined[10, [5, 20, 35]])) == 3


@given(
    leaves=st.lists(st.booleans(), min_size=4, max_size=20),
    shuffle=st.integers(0, 9),
)
def test_tiles_that_agree_give_back_what_they_were_cut_from(leaves, shuffle):
    line = np.repeat(
        np.where(leaves, np.arange(1, len(leaves) + 1), 0), 2
    )  # two columns wide, four are shared
    labels = np.tile(line, (8, 1))[:, : len(line) // 4 * 4]
    joined = join_tiles(tiles_of(labels, 8, 4, shuffle))
    assert (joined.rows, joined.cols) == (slice(0, 8), slice(0, labels.shape[1]))
    assert_same_leaves(joined.labels, labels)


def test_a_leaf_longer_than_any_tile_is_one_by_what_its_parts_share():
    labels = np.zeros((8, 24), np.int32)
    labels[2:6, 1:23] = 1
    labels[6:8, 4:10] = 2
    assert_same_leaves(join_tiles(tiles_of(labels, 8, 4)).labels, labels)


def test_rows_and_columns_of_tiles_are_joined_at_their_corners():
    labels = np.zeros((16, 16), np.int32)
    labels[1:7, 1:7], labels[9:15, 9:15], labels[6:10, 8:9], labels[1:5, 10:14] = 1, 2, 3, 4
    assert_same_leaves(join_tiles(tiles_of(labels, 8, 4)).labels, labels)


def test_a_border_cuts_no_leaf_that_a_tile_sees_whole():
    # the left tile sees one leaf whole across the middle of the overlap, the right one takes its end for two leaves
    left = np.zeros((4, 12), np.int32)
    left[1:3, 4:11] = 1
    right = np.zeros((4, 12), np.int32)
    right[1, 0:5], right[2, 0:5] = 1, 2  # they touch the right tile's side
    joined = join_tiles([Tile(slice(0, 4), slice(0, 12), left), Tile(slice(0, 4), slice(6, 18), right)])
    expected = np.zeros((4, 18), np.int32)
    expected[1:3, 4:11] = 1
    assert_same_leaves(joined.labels, expected)


def test_of_two_whole_leaves_the_one_nearer_to_its_tiles_middle_stays():
    left, right = np.zeros((4, 12), np.int32), np.zeros((4, 12), np.int32)
    left[1:3, 8:11] = 1  # a small one near the left tile's side
    right[1:3, 2:9] = 1  # the same pixels, and more
    joined = join_tiles([Tile(slice(0, 4), slice(0, 12), left), Tile(slice(0, 4), slice(6, 18), right)])
    expected = np.zeros((4, 18), np.int32)
    expected[1:3, 8:15] = 1
    assert_same_leaves(joined.labels, expected)


def test_tiles_without_leaves_and_one_tile_alone():
    nothing = [Tile(slice(2, 6), slice(left, left + 4), np.zeros((4, 4), np.int32)) for left in (3, 5)]
    joined = join_tiles(nothing)
    assert (joined.rows, joined.cols) == (slice(2, 6), slice(3, 9))
    assert not joined.labels.any()
    labels = np.array([[0, 3], [1, 1]])
    assert_same_leaves(join_tiles([Tile(slice(0, 2), slice(4, 6), labels)]).labels, labels)


@given(data=st.data())
def test_whatever_tiles_say_pixels_that_all_call_background_stay_so(data):
    arrays = [
        np.array(data.draw(st.lists(st.integers(0, 3), min_size=64, max_size=64)), np.int32).reshape(8, 8)
        for _ in range(4)
    ]
    places = [(0, 0), (0, 4), (4, 0), (4, 4)]
    tiles = [
        Tile(slice(top, top + 8), slice(left, left + 8), labels)
        for (top, left), labels in zip(places, arrays, strict=True)
    ]
    any_leaf = np.zeros((12, 12), bool)
    all_leaf = np.ones((12, 12), bool)
    for tile in tiles:
        any_leaf[tile.rows, tile.cols] |= tile.labels > 0
        all_leaf[tile.rows, tile.cols] &= tile.labels > 0
    found = join_tiles(tiles).labels > 0
    assert (found <= any_leaf).all()
    assert (found >= all_leaf).all()
