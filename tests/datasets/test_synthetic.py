from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import ndimage

from leafwise.datasets import check_dataset, read_dataset
from leafwise.datasets.synthetic import MIN_VISIBLE, PlantSet, draw_plant, plant_seed, write_plants
from leafwise.datasets.synthetic.camera import Light
from leafwise.datasets.synthetic.fields import fractal_field, random_field, soften
from leafwise.datasets.synthetic.leaf import SAMPLES, Leaf, outline, place
from leafwise.datasets.synthetic.plant import paint, stack, visible_leaves
from leafwise.datasets.synthetic.rosette import grow
from leafwise.errors import OutputError, SettingsError
from leafwise.imaging import read_image, read_labels

LEAF = Leaf(
    foot=(60.0, 20.0),
    angle=0.0,
    length=80.0,
    petiole=0.4,
    petiole_width=1.5,
    width=16.0,
    base=0.8,
    tip=0.5,
    bend=0.0,
    teeth=0.0,
    n_teeth=4.0,
    height=6.0,
    tilt=0.0,
    color=(0.4, 0.65, 0.15),
    rib_color=(0.55, 0.7, 0.3),
    seed=5,
)


def greenness(image):
    red, green, blue = np.moveaxis(image.astype(float), -1, 0)
    return 2 * green - red - blue


@pytest.fixture(scope="module")
def plants():
    return [draw_plant(seed, height=250, width=265) for seed in range(16)]


def test_the_same_seed_gives_the_same_plant():
    first, again = draw_plant(11, height=120, width=130), draw_plant(11, height=120, width=130)
    assert_array_equal(first[0], again[0])
    assert_array_equal(first[1], again[1])


def test_another_seed_gives_another_plant(plants):
    for (image, labels), (other, other_labels) in pairwise(plants):
        assert np.mean(image != other) > 0.5
        assert np.mean(labels != other_labels) > 0.02


def test_a_plant_keeps_its_looks_at_another_size():
    (_, small), (_, large) = draw_plant(3, height=250, width=265), draw_plant(3)
    assert abs(int(small.max()) - int(large.max())) <= 2
    assert np.mean((large[::2, ::2] > 0) != (small > 0)) < 0.02


@pytest.mark.parametrize("shape", [(64, 81), (16, 16), (37, 300), (133, 90)])
def test_any_size_can_be_drawn(shape):
    for seed in range(6):
        image, labels = draw_plant(seed, height=shape[0], width=shape[1])
        assert image.shape == (*shape, 3) and image.dtype == np.uint8
        assert labels.shape == shape and labels.dtype == np.int32
        assert_array_equal(np.unique(labels), np.arange(labels.max() + 1))
        assert labels.max() >= 1


def test_labels_have_no_gaps_and_no_specks():
    for seed in range(3):
        sizes = np.bincount(draw_plant(seed)[1].ravel())
        assert len(sizes) > 1
        assert sizes.min() >= MIN_VISIBLE


def test_leaf_counts_vary_over_the_range_of_real_rosettes(plants):
    counts = [int(labels.max()) for _, labels in plants]
    assert min(counts) >= 3 and max(counts) <= 26
    assert len(set(counts)) >= 6
    assert max(counts) - min(counts) >= 8


def test_plants_stand_in_the_photo_at_varied_sizes(plants):
    shares = [np.mean(labels > 0) for _, labels in plants]
    assert min(shares) > 0.003 and max(shares) < 0.7
    assert max(shares) > 3 * min(shares)


def test_leaves_are_greener_than_what_they_stand_in(plants):
    for image, labels in plants:
        green = greenness(image)
        assert green[labels > 0].mean() > green[labels == 0].mean() + 30
        of_leaves = ndimage.mean(green, labels, np.arange(1, labels.max() + 1))
        assert np.mean(of_leaves > green[labels == 0].mean()) > 0.95


def test_a_leaf_is_mostly_one_piece(plants):
    shares = []
    for _, labels in plants:
        for leaf in range(1, labels.max() + 1):
            pieces, _ = ndimage.label(labels == leaf, np.ones((3, 3)))
            sizes = np.bincount(pieces.ravel())[1:]
            shares.append(sizes.max() / sizes.sum())
    assert np.mean(shares) > 0.95
    assert np.mean(np.array(shares) > 0.8) > 0.9


@pytest.mark.parametrize(("seed", "height", "width"), [(-1, 100, 100), (0, 15, 100), (0, 100, 3)])
def test_a_wrong_request_is_refused(seed, height, width):
    with pytest.raises(SettingsError, match=r"negative|too small"):
        draw_plant(seed, height=height, width=width)


def test_leaves_follow_the_golden_angle_and_the_young_ones_stand_highest():
    turns, tips = [], []
    for seed in range(10):
        leaves = grow(np.random.default_rng(seed), (500, 500), (250.0, 250.0))
        steps = np.rad2deg(np.diff([leaf.angle for leaf in leaves]))
        turns += [min(step % 360, -step % 360) for step in steps]
        assert np.all(np.diff([leaf.height for leaf in leaves]) > 0)
        lengths = [leaf.length for leaf in leaves]
        tips.append(lengths[-1] < 0.5 * max(lengths))
    assert np.mean(turns) == pytest.approx(137.5, abs=4)
    assert np.all(tips)


@pytest.mark.parametrize("angle", [0.0, 0.7, 2.0, 4.4])
def test_the_coverage_is_the_area_inside_the_outline(angle):
    leaf = replace(LEAF, foot=(100.3, 100.8), angle=angle)
    area = outline(leaf).sum() * leaf.length / SAMPLES
    assert place(leaf, (200, 200)).coverage.sum() == pytest.approx(area, rel=0.02)


def test_a_leaf_lies_where_its_numbers_say():
    patch = place(LEAF, (120, 120))
    labels = stack([patch], (120, 120))
    rows, columns = np.nonzero(labels)
    assert (columns.min(), columns.max()) == (pytest.approx(20, abs=1), pytest.approx(100, abs=1))
    assert rows.mean() == pytest.approx(60, abs=1.5)
    petiole = np.count_nonzero(labels[:, 35])  # the blade begins at column 52
    assert 3 <= petiole <= 5
    assert np.count_nonzero(labels, axis=0).max() == pytest.approx(2 * LEAF.width, rel=0.15)


def test_a_leaf_is_cut_at_the_border_and_none_outside():
    inside = place(replace(LEAF, foot=(60.0, 60.0)), (120, 200))
    cut = place(replace(LEAF, foot=(60.0, 60.0)), (120, 100))
    whole = np.zeros((120, 200), np.float32)
    whole[inside.box] = inside.coverage
    part = np.zeros((120, 100), np.float32)
    part[cut.box] = cut.coverage
    assert_array_equal(part, whole[:, :100])
    assert place(replace(LEAF, foot=(60.0, 400.0)), (120, 200)) is None


def test_the_upper_leaf_has_the_shared_pixels_and_hidden_leaves_are_left_out():
    low, other = LEAF, replace(LEAF, foot=(100.0, 60.0), angle=-np.pi / 2, seed=6)
    patches = [place(leaf, (120, 120)) for leaf in (low, other)]
    covers = np.zeros((2, 120, 120), bool)
    for cover, patch in zip(covers, patches, strict=True):
        cover[patch.box] = patch.coverage >= 0.5
    labels = stack(patches, (120, 120))
    assert (covers[0] & covers[1]).any()
    assert_array_equal(labels == 2, covers[1])
    assert_array_equal(labels == 1, covers[0] & ~covers[1])
    hidden = replace(LEAF, foot=(60.0, 55.0), length=20.0, width=3.0)
    assert [leaf for leaf, _ in visible_leaves([hidden, low], (120, 120))] == [low]


def test_the_label_map_is_what_was_painted():
    shape = (250, 250)
    leaves = visible_leaves(grow(np.random.default_rng(4), shape, (125.0, 125.0)), shape)
    blue = np.zeros((*shape, 3), np.float32)
    blue[..., 2] = 1
    light = Light(
        np.array([0.3, 0, 0.954], np.float32), ambient=0.5, gains=np.ones(3, np.float32), shadow=0.0
    )
    paint(blue, leaves, light)
    labels = stack([patch for _, patch in leaves], shape)
    assert np.mean((blue[..., 1] > blue[..., 2]) == (labels > 0)) > 0.99
    assert np.all(blue[ndimage.binary_dilation(labels > 0, iterations=3) == 0] == [0, 0, 1])


def test_a_shadow_falls_away_from_the_light():
    white = np.ones((160, 160, 3), np.float32)
    leaf = replace(LEAF, foot=(80.0, 40.0))
    patch = place(leaf, (160, 160))
    light = Light(np.array([0, -0.6, 0.8], np.float32), ambient=0.5, gains=np.ones(3, np.float32), shadow=0.5)
    paint(white, [(leaf, patch)], light)
    on_leaf = ndimage.binary_dilation(stack([patch], (160, 160)) > 0, iterations=2)
    dark = np.where(on_leaf, 0, 1 - white[..., 0])
    above, below = dark[:80].sum(), dark[80:].sum()  # the light comes from the top of the photo
    assert below > 2 * above
    assert 0.1 < dark.max() <= 0.5


def test_random_fields_have_mean_0_deviation_1_and_the_asked_grain():
    for cell in (1, 3, 10):
        field = random_field(np.random.default_rng(0), (300, 280), cell)
        assert field.shape == (300, 280) and field.dtype == np.float32
        assert field.mean() == pytest.approx(0, abs=0.15)
        assert field.std() == pytest.approx(1, abs=0.25)
    fine, coarse = (random_field(np.random.default_rng(0), (300, 280), cell) for cell in (2, 20))
    assert np.abs(np.diff(fine)).mean() > 4 * np.abs(np.diff(coarse)).mean()
    assert fractal_field(np.random.default_rng(0), (300, 280), (2, 8)).std() == pytest.approx(1, abs=0.25)


def test_softening_keeps_the_sum_and_widens():
    dot = np.zeros((41, 41), np.float32)
    dot[20, 20] = 1
    soft = soften(dot, 5)
    assert soft.sum() == pytest.approx(1, abs=1e-5)
    assert soft.max() < 0.05
    assert soft[20, 20] == soft.max()


def test_a_written_set_loads_and_is_what_was_drawn(tmp_path):
    drawn = list(write_plants(tmp_path / "set", 3, PlantSet(seed=2, height=96, width=101)))
    assert drawn == [True, True, True]
    pairs = read_dataset(tmp_path / "set")
    assert [pair.name for pair in pairs] == ["plant0001", "plant0002", "plant0003"]
    assert not check_dataset(pairs)
    for index, pair in enumerate(pairs, start=1):
        image, labels = draw_plant(plant_seed(2, index), height=96, width=101)
        assert_array_equal(read_image(pair.image), image)
        assert_array_equal(read_labels(pair.labels), labels)


def test_a_stopped_set_goes_on_and_stays_the_same(tmp_path):
    size = PlantSet(seed=1, height=64, width=64)
    list(write_plants(tmp_path / "whole", 4, size))
    steps = write_plants(tmp_path / "stopped", 4, size)
    next(steps), next(steps)
    steps.close()
    (tmp_path / "stopped" / "labels" / "plant0001.png").unlink()
    assert list(write_plants(tmp_path / "stopped", 4, size)) == [True, False, True, True]
    for kind in ("images", "labels"):
        for path in sorted((tmp_path / "whole" / kind).iterdir()):
            assert (tmp_path / "stopped" / kind / path.name).read_bytes() == path.read_bytes()


def test_plants_that_are_there_are_not_touched(tmp_path):
    size = PlantSet(height=64, width=64)
    list(write_plants(tmp_path, 1, size))
    image = tmp_path / "images" / "plant0001.png"
    image.write_bytes(b"mine")
    assert list(write_plants(tmp_path, 2, size)) == [False, True]
    assert image.read_bytes() == b"mine"


def test_two_seeds_do_not_mix_in_a_folder(tmp_path):
    list(write_plants(tmp_path, 1, PlantSet(seed=0, height=64, width=64)))
    with pytest.raises(OutputError, match=r"seed 0, 64 x 64"):
        list(write_plants(tmp_path, 2, PlantSet(seed=1, height=64, width=64)))
    assert len(list((tmp_path / "images").iterdir())) == 1


def test_a_file_in_the_way_is_said(tmp_path):
    (tmp_path / "plants").write_text("a file")
    with pytest.raises(OutputError, match="plants"):
        list(write_plants(tmp_path / "plants", 1))


def test_sets_of_neighbouring_seeds_share_no_plant():
    seeds = {plant_seed(seed, index) for seed in range(10) for index in range(1, 51)}
    assert len(seeds) == 500
