from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest

from leafwise.config import ClusteringSettings, SegmentSettings
from leafwise.datasets.synthetic import draw_plant
from leafwise.errors import ImageError, ModelError
from leafwise.imaging import scale_maps, stretch_contrast
from leafwise.metrics import score_labels
from leafwise.segmenter import Segmenter, find_leaves


def rosette(size=64):
    """Five leaves around a middle, (size, size), drawn by hand."""
    labels = np.zeros((size, size), np.int32)
    unit = size // 16
    for number, (row, col, height, width) in enumerate(
        [(2, 6, 5, 4), (7, 10, 4, 5), (10, 6, 4, 4), (7, 2, 3, 4), (7, 6, 3, 4)], 1
    ):
        labels[row * unit : (row + height) * unit, col * unit : (col + width) * unit] = number
    return labels


def assert_sound(result, height, width):
    assert result.labels.shape == (height, width)
    assert result.labels.dtype == np.int32
    assert set(np.unique(result.labels)) - {0} == set(range(1, result.n_leaves + 1))
    assert len(result.plants) == result.n_leaves + 1


@pytest.mark.parametrize("size", [48, 64, 160, 320])
def test_leaves_of_a_painted_plant_are_found_at_the_photos_own_size(color_model, paint, size):
    truth = rosette(size)
    result = Segmenter(color_model).segment(paint(truth))
    assert_sound(result, size, size)
    scores = score_labels(truth, result.labels)
    assert scores.dic == 0
    assert scores.sbd > 93
    assert scores.fbd > 92
    np.testing.assert_array_equal(result.plants, [0, 1, 1, 1, 1, 1])


@pytest.mark.parametrize(("height", "width"), [(100, 200), (211, 97)])
def test_a_small_plant_in_a_wide_photo_is_looked_at_from_near(color_model, paint, height, width):
    truth = np.zeros((height, width), np.int32)
    truth[10:90, 12:92] = rosette(80)
    result = Segmenter(color_model).segment(paint(truth))
    assert_sound(result, height, width)
    assert score_labels(truth, result.labels).sbd > 93


def tray(gap=10):
    size = 2 * 80 + gap
    truth, plants = np.zeros((size, size), np.int32), np.zeros(21, np.int32)
    for plant in range(4):
        top, left = (80 + gap) * (plant // 2), (80 + gap) * (plant % 2)
        leaves = rosette(80)
        truth[top : top + 80, left : left + 80] = np.where(leaves > 0, leaves + 5 * plant, 0)
        plants[5 * plant + 1 : 5 * plant + 6] = plant + 1
    return truth, plants


def test_the_four_plants_of_a_tray_have_their_own_numbers(color_model, paint):
    truth, plants = tray()
    result = Segmenter(color_model).segment(paint(truth))
    assert_sound(result, *truth.shape)
    assert score_labels(truth, result.labels).sbd > 90
    np.testing.assert_array_equal(np.bincount(result.plants), [1, 5, 5, 5, 5])
    for leaf in range(1, 21):
        found = np.bincount(result.labels[truth == leaf], minlength=2).argmax()
        assert result.plants[found] == plants[leaf]


def test_a_plant_within_anothers_square_is_not_seen_as_its_own(color_model, paint):
    truth = np.zeros((192, 192), np.int32)
    truth[16:56, 16:176], truth[56:176, 16:56] = 1, 2  # a plant around a corner
    truth[110:150, 110:150] = 3  # and one within its square, read after it
    large, small = Segmenter(color_model).look(paint(truth))
    for plant, own, foreign in ((large, truth % 3 > 0, truth == 3), (small, truth == 3, truth % 3 > 0)):
        inside = plant.square.inside(192, 192)
        seen = scale_maps(plant.foreground[None], plant.square, *inside)[0] > 0.5
        assert not seen[foreign[inside]].any()
        assert seen[own[inside]].mean() > 0.7  # all but borders


def test_one_plant_switches_the_numbers_off(color_model, paint):
    truth, _ = tray()
    settings = replace(color_model.card.segment, looks=replace(color_model.card.looks, one_plant=True))
    result = Segmenter(color_model, settings).segment(paint(truth))
    assert set(result.plants) == {0, 1}


def test_settings_of_the_card_are_the_default(color_model):
    settings = Segmenter(color_model).settings
    card = color_model.card
    assert settings == SegmentSettings(card.looks, card.pipeline, card.clustering)


def test_a_photo_without_a_plant_has_no_leaves(color_model, paint):
    result = Segmenter(color_model).segment(paint(np.zeros((50, 70), np.int32)))
    np.testing.assert_array_equal(result.labels, np.zeros((50, 70), np.int32))
    np.testing.assert_array_equal(result.plants, [0])


def test_a_model_without_a_foreground_takes_one_look_and_the_largest_group_as_background(
    color_model_without_foreground, paint
):
    truth = np.zeros((64, 64), np.int32)
    truth[8:24, 8:40], truth[40:56, 20:36] = 1, 2
    result = Segmenter(color_model_without_foreground).segment(paint(truth))
    assert_sound(result, 64, 64)
    np.testing.assert_array_equal(result.labels, truth)


@pytest.mark.parametrize("turns", [1, 3])
def test_a_photos_plants_are_seen_as_they_are_asked_for(color_model, paint, monkeypatch, turns):
    segmenter, photo, shown = with_turns(color_model, turns), paint(greenhouse(500)), []
    embed = type(color_model).embed
    views = segmenter.find(photo)
    monkeypatch.setattr("leafwise.segmenter.segmenter.agree", lambda *_: False)
    monkeypatch.setattr(
        type(color_model), "embed", lambda self, images: shown.extend(images) or embed(self, images)
    )
    plants = segmenter.look_at(photo, views)
    first = next(plants)
    assert len(shown) < turns * len(views) == turns * 16
    rest = list(plants)
    for one, other in zip([first, *rest], segmenter.look(photo), strict=True):
        assert one.square == other.square
        np.testing.assert_array_equal(one.embeddings, other.embeddings)
        np.testing.assert_array_equal(one.foreground, other.foreground)


def with_turns(model, turns, **looks):
    looks = replace(model.card.looks, turns=turns, **looks)
    return Segmenter(model, replace(model.card.segment, looks=looks))


@pytest.mark.parametrize("turns", [3, 5, 7])
def test_a_plant_is_seen_in_several_turns_that_lie_on_one_grid(color_model, paint, monkeypatch, turns):
    photo, shown = paint(tray()[0]), []
    embed = type(color_model).embed
    monkeypatch.setattr(
        type(color_model), "embed", lambda self, images: shown.append(images) or embed(self, images)
    )
    monkeypatch.setattr("leafwise.segmenter.segmenter.agree", lambda *_: False)
    plain = Segmenter(color_model).look(photo)
    shown.clear()
    looks = with_turns(color_model, turns).look(photo)
    assert len(looks) == turns * len(plain)
    for i, one in enumerate(looks):
        other = plain[i // turns]  # this model sees colours alone: turned back, all is the same
        assert (one.square, one.plant) == (other.square, other.plant)
        assert (one.turn == 0) == (i % turns == 0)
        np.testing.assert_allclose(one.embeddings, other.embeddings, atol=1e-5)
        np.testing.assert_allclose(one.foreground, other.foreground, atol=1e-5)
    size = color_model.card.looks.input_size
    squares = np.concatenate([images for images in shown if images.shape[1] == size])
    assert len(squares) == turns * len(plain)
    firsts, others = np.split(squares, [2 * len(plain)])
    for i in range(len(plain)):
        seen = [*firsts[2 * i : 2 * i + 2], *others[(turns - 2) * i : (turns - 2) * (i + 1)]]
        assert len(np.unique(np.reshape(seen, (turns, -1)), axis=0)) == turns


def test_a_plant_on_which_two_turns_agree_has_no_more(color_model, paint, monkeypatch):
    truth = np.zeros((64, 150), np.int32)
    truth[8:56, 8:32], truth[8:56, 32:56] = 1, 2
    truth[8:56, 94:118], truth[8:56, 118:142] = 3, 4
    photo, embed, n_seen = paint(truth), type(color_model).embed, []

    def sees_one_leaf_of_the_second_plant_upside_down(self, images):
        embedded = embed(self, images)
        if images.shape[1] == self.card.looks.input_size:
            n_seen.append(len(images))
            if len(images) == 4:
                embedded.embeddings[3] = 0
        return embedded

    plain = with_turns(color_model, 1, first_size=128).segment(photo)
    monkeypatch.setattr(type(color_model), "embed", sees_one_leaf_of_the_second_plant_upside_down)
    segmenter = with_turns(color_model, 5, first_size=128)
    looks = segmenter.look(photo)
    assert n_seen == [4, 3]
    assert [(one.plant, one.turn) for one in looks] == [(1, 0), (2, 0), (2, 2), (2, 5), (2, 7), (2, 1)]
    np.testing.assert_array_equal(segmenter.segment(photo).labels, plain.labels)


@pytest.mark.parametrize("options", [{}, {"one_plant": True, "tile_side": 64}, {"tile_side": 48}])
def test_turns_of_a_network_that_sees_no_shape_change_nothing(color_model, paint, monkeypatch, options):
    photo = paint(tray()[0])
    monkeypatch.setattr("leafwise.segmenter.segmenter.agree", lambda *_: False)
    turned, plain = (with_turns(color_model, turns, **options).segment(photo) for turns in (3, 1))
    assert score_labels(plain.labels, turned.labels).sbd > 99
    np.testing.assert_array_equal(turned.plants, plain.plants)


def test_leaves_are_those_that_most_turns_agree_on(color_model, paint, monkeypatch):
    truth = np.zeros((64, 64), np.int32)
    truth[8:56, 8:32], truth[8:56, 32:56] = 1, 2
    plain = Segmenter(color_model).segment(paint(truth))
    embed, calls = type(color_model).embed, []

    def sometimes_wrong(self, images):
        embedded = embed(self, images)
        if images.shape[1] == self.card.looks.input_size and len(images) == 2:
            calls.append(1)
            embedded.embeddings[1] = 0  # the second turn sees one leaf
        return embedded

    monkeypatch.setattr(type(color_model), "embed", sometimes_wrong)
    result = with_turns(color_model, 3).segment(paint(truth))
    assert calls
    assert result.n_leaves == plain.n_leaves == 2
    assert score_labels(plain.labels, result.labels).sbd == 100


def test_an_empty_photo_is_looked_at_in_peace(color_model, paint):
    segmenter, empty = Segmenter(color_model), paint(np.zeros((40, 60), np.int32))
    assert segmenter.look(empty) == segmenter.find(empty) == []


def test_the_same_photo_gives_the_same_leaves_and_is_left_alone(color_model, paint):
    photo = paint(tray()[0])
    before = photo.copy()
    segmenter = Segmenter(color_model)
    first, second = segmenter.segment(photo), segmenter.segment(photo)
    np.testing.assert_array_equal(first.labels, second.labels)
    np.testing.assert_array_equal(photo, before)


@pytest.mark.parametrize(
    "photo",
    [
        np.full((64, 64, 3), 128, np.uint8),  # grey and nothing else
        np.zeros((40, 200, 3), np.uint8),
        np.full((16, 16, 3), 255, np.uint8),  # the least size
        np.random.default_rng(0).integers(0, 256, (131, 17, 3), dtype=np.uint8),
        draw_plant(1, height=97, width=101)[0],
    ],
    ids=["grey", "black", "least", "noise", "odd"],
)
def test_a_network_that_has_learned_nothing_still_gives_a_sound_answer(tiny_model, photo):
    result = Segmenter.from_pretrained(tiny_model, threads=1).segment(photo)
    assert_sound(result, *photo.shape[:2])


@pytest.mark.parametrize(
    ("photo", "message"),
    [
        (np.zeros((64, 64), np.uint8), r"uint8 RGB of shape \(H, W, 3\)"),
        (np.zeros((64, 64, 4), np.uint8), r"this array is uint8 \(64, 64, 4\)"),
        (np.zeros((64, 64, 3), np.float32), "this array is float32"),
        (np.zeros((64, 64, 3), np.uint16), "this array is uint16"),
        (np.zeros((1, 64, 64, 3), np.uint8), r"\(1, 64, 64, 3\)"),
        (np.zeros((0, 64, 3), np.uint8), "64 x 0 pixels"),
        (np.zeros((1, 1, 3), np.uint8), "1 x 1 pixels"),
        (np.zeros((15, 500, 3), np.uint8), "500 x 15 pixels"),
    ],
)
def test_what_is_no_photo_is_refused_in_one_line(color_model, photo, message):
    with pytest.raises(ImageError, match=message) as failure:
        Segmenter(color_model).segment(photo)
    assert "\n" not in str(failure.value)


def test_an_unknown_model_is_refused():
    with pytest.raises(ModelError, match="no model 'nosuch'"):
        Segmenter.from_pretrained("nosuch")


def greenhouse(side=1000, gap=40, touching=()):
    """Labels (side, side) of plants of 80 pixels in rows, those of each pair in `touching` moved together."""
    truth, n_leaves = np.zeros((side, side), np.int32), 0
    places = list(range(gap // 2, side - 79, 80 + gap))
    for row, top in enumerate(places):
        for col, left in enumerate(places):
            leaves = rosette(80)
            shift = 60 if (row, col) in touching else 0  # past the empty rims of two drawings
            part = truth[top : top + 80, left + shift : left + shift + 80]
            part[:] = np.where(leaves > 0, leaves + n_leaves, part)
            n_leaves += 5
    return truth


def test_small_plants_of_a_large_photo_are_found_by_looking_nearer(color_model, paint):
    truth = greenhouse()
    looks = replace(color_model.card.looks, first_size=256)  # a plant of 80 pixels is 20 there
    segmenter = Segmenter(color_model, replace(color_model.card.segment, looks=looks))
    result = segmenter.segment(paint(truth))
    assert_sound(result, *truth.shape)
    assert result.plants.max() == 64
    assert abs(result.n_leaves - 5 * 64) <= 6  # of some neighbours the greens are nearly the same
    assert score_labels(truth, result.labels).sbd > 90


@pytest.mark.parametrize(
    ("part", "times"),
    [(20, [1]), (40, [1, 1.15 * 14 / 10]), (80, [1, 2, 2 * 1.15 * 14 / 10])],
)
def test_looks_go_as_near_as_the_plants_ask_for(color_model, monkeypatch, part, times):
    """Squares of 1 / `part` of the photo are 20, 10 and 5 pixels deep in a look of 800; 14 are enough."""
    looked = []

    def foreground(self, image, size):
        looked.append(size)
        is_plant = np.arange(size // 2) * part // (size // 2) % 4 == 1
        return np.where(is_plant[:, None] & is_plant, np.float32(0.99), np.float32(0))

    monkeypatch.setattr(Segmenter, "_foreground", foreground)
    looks = replace(color_model.card.looks, first_size=800, glance_size=0)
    segmenter = Segmenter(color_model, replace(color_model.card.segment, looks=looks))
    views = segmenter.find(np.zeros((4000, 4000, 3), np.uint8))
    assert looked == pytest.approx([800 * time for time in times], abs=32)
    assert len(views) == (part // 4) ** 2


@pytest.mark.parametrize(
    ("side", "largest_zoom", "sizes"),
    [
        (530, 8, [256, 512]),
        (1500, 8, [256, 768]),
        (4000, 8, [256, 768, 1536, 3072]),
        (4000, 2, [256, 768, 1536]),
        (20000, 8, [256, 768, 1536, 3072, 6144]),
    ],
)
def test_a_photo_without_a_plant_is_searched_to_half_its_sharpness(
    color_model, monkeypatch, side, largest_zoom, sizes
):
    looked = []

    def foreground(self, image, size):
        looked.append(size)
        return np.zeros((size // 2, size // 2), np.float32)

    monkeypatch.setattr(Segmenter, "_foreground", foreground)
    looks = replace(color_model.card.looks, first_size=768, largest_zoom=largest_zoom)
    segmenter = Segmenter(color_model, replace(color_model.card.segment, looks=looks))
    assert segmenter.find(np.broadcast_to(np.uint8(0), (side, side, 3))) == []
    assert looked == sizes


@pytest.mark.parametrize(
    ("at_first", "nearer", "sizes", "n_plants"),
    [
        (0.99, 0.99, [768], 2),
        (0.7, 0.99, [768, 1536], 2),  # it was a plant, too small to be sure of
        (0.7, 0.7, [768, 1536], 1),  # it was not; there is no third look
    ],
)
def test_what_is_in_doubt_is_looked_at_once_more_from_nearer(
    color_model, monkeypatch, at_first, nearer, sizes, n_plants
):
    looked = []

    def foreground(self, image, size):
        looked.append(size)
        cells = np.zeros((size // 2, size // 2), np.float32)
        unit = len(cells) // 16
        cells[unit : 9 * unit, unit : 9 * unit] = 0.99
        cells[11 * unit : 14 * unit, 11 * unit : 14 * unit] = at_first if size <= 768 else nearer
        return cells

    monkeypatch.setattr(Segmenter, "_foreground", foreground)
    looks = replace(color_model.card.looks, first_size=768)
    segmenter = Segmenter(color_model, replace(color_model.card.segment, looks=looks))
    seen = segmenter.look(np.zeros((1600, 1600, 3), np.uint8))
    assert looked == [256, *sizes]  # two plants, or one and a doubt, want more than a glance
    assert len(seen) == n_plants


@pytest.mark.parametrize(
    ("side", "glance_size", "sizes"),
    [
        (530, 256, [256]),
        (4000, 256, [256]),
        (530, 0, [512]),
        (530, 512, [512]),  # no smaller than the first look
        (4000, 0, [768]),
    ],
)
def test_one_large_plant_is_seen_at_a_glance(color_model, monkeypatch, side, glance_size, sizes):
    looked = []

    def foreground(self, image, size):
        looked.append(size)
        cells = np.zeros((size // 2, size // 2), np.float32)
        cells[len(cells) // 8 : len(cells) * 5 // 8, len(cells) // 4 : len(cells) * 3 // 4] = 0.99
        return cells

    monkeypatch.setattr(Segmenter, "_foreground", foreground)
    looks = replace(color_model.card.looks, first_size=768, glance_size=glance_size)
    segmenter = Segmenter(color_model, replace(color_model.card.segment, looks=looks))
    seen = segmenter.look(np.zeros((side, side, 3), np.uint8))
    assert looked == sizes
    assert len(seen) == 1
    square = seen[0].square
    assert square.side == pytest.approx(side / 2 * (1 + 2 * looks.margin), abs=side / 64)
    assert square.top + square.side / 2 == pytest.approx(side * 3 / 8, abs=side / 64)


def test_plants_that_touch_are_segmented_in_tiles(color_model, paint):
    truth = greenhouse(touching=[(2, 3)])
    segmenter = Segmenter(color_model)
    photo = paint(truth)
    looks = replace(color_model.card.looks, tile_side=96)
    tiled = Segmenter(color_model, replace(color_model.card.segment, looks=looks))
    seen = tiled.look(photo)
    assert any(one.plant == other.plant for one, other in pairwise(seen))  # the two that touch
    result = tiled.segment(photo)
    assert_sound(result, *truth.shape)
    assert result.plants.max() == segmenter.segment(photo).plants.max()
    assert score_labels(truth, result.labels).sbd > 90
    assert abs(result.n_leaves - 5 * 64) <= 6
    np.testing.assert_array_equal(find_leaves(seen, 1000, 1000, tiled.settings).labels, result.labels)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (256, 192), (40, 416)])
def test_objects_all_over_a_photo_are_seen_in_tiles_of_one_scale(color_model, paint, height, width):
    truth, kinds = np.zeros((2, height, width), np.int32)
    places = list(product(range((height - 6) // 32), range((width - 6) // 32)))
    for number, (i, j) in enumerate(places, 1):
        square = np.s_[32 * i + 6 : 32 * i + 24, 32 * j + 6 : 32 * j + 24]
        truth[square] = number
        kinds[square] = 1 + 2 * (i % 2) + j % 2  # no tile shows two of one colour
    looks = replace(color_model.card.looks, one_plant=True, tile_side=64)
    settings = SegmentSettings(looks, clustering=ClusteringSettings(min_cluster_size=5, min_core_size=0))
    segmenter = Segmenter(color_model, settings)
    photo = paint(kinds)
    seen = segmenter.look(photo)
    assert {plant.square.side for plant in seen} == {64}
    result = segmenter.segment(photo)
    assert_sound(result, height, width)
    assert result.n_leaves == len(places)
    assert score_labels(truth, result.labels).sbd > 85


def test_tiles_need_a_model_that_knows_a_foreground(color_model_without_foreground):
    card = color_model_without_foreground.card
    tiled = replace(card.segment, looks=replace(card.looks, tile_side=64))
    with pytest.raises(ModelError, match=r"looks\.tile_side=0"):
        Segmenter(color_model_without_foreground, tiled)


def test_a_dark_photo_is_seen_as_bright_as_the_model_asks(color_model, paint):
    photo = paint(rosette(64))
    dark = (photo // 6).astype(np.uint8)
    settings = SegmentSettings()
    stretched = Segmenter(color_model, replace(settings, looks=replace(settings.looks, stretch=True)))
    plain = Segmenter(color_model, settings)
    seen = stretch_contrast(dark)
    assert (seen.min(), seen.max()) == (0, 255)
    (one,), (other,) = stretched.look(dark), plain.look(seen)
    np.testing.assert_array_equal(one.embeddings, other.embeddings)
    np.testing.assert_array_equal(stretched.segment(dark).labels, plain.segment(seen).labels)
