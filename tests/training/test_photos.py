from dataclasses import replace

import numpy as np
import pytest
import torch

from leafwise.config import AugmentSettings, LookSettings, RunSettings, TrainingSettings
from leafwise.datasets import read_dataset
from leafwise.datasets.synthetic import draw_plant
from leafwise.errors import DatasetError, SettingsError
from leafwise.imaging import Square, cut_square, square_around, stretch_contrast, write_image, write_labels
from leafwise.training import photos, veins, views
from leafwise.training.chance import chance
from leafwise.training.photos import Photo, Views, read_photo, synthetic_photos
from leafwise.training.views import random_view

RUN = RunSettings(looks=LookSettings(input_size=64))


def write_pair(folder, image, labels):
    (folder / "images").mkdir()
    (folder / "labels").mkdir()
    write_image(folder / "images" / "a.png", image)
    write_labels(folder / "labels" / "a.png", labels)
    return read_dataset(folder)[0]


def small_photo(seed=1):
    image, labels = draw_plant(seed, height=90, width=100)
    return Photo(image, labels, square_around(labels > 0, margin=RUN.looks.margin))


def test_a_photo_near_the_networks_scale_is_kept_as_it_is(tmp_path):
    image, labels = draw_plant(1, height=90, width=100)
    photo = read_photo(write_pair(tmp_path, image, labels), RUN)
    np.testing.assert_array_equal(photo.image, image)
    np.testing.assert_array_equal(photo.labels, labels)
    assert photo.labels.dtype == np.int32
    assert photo.square == square_around(labels > 0, margin=RUN.looks.margin)


def test_a_far_finer_photo_is_scaled_down_with_its_labels(tmp_path):
    image, labels = draw_plant(1, height=500, width=530)
    photo = read_photo(write_pair(tmp_path, image, labels), RUN)
    assert 2 * 64 - 2 <= photo.square.side <= 2 * 64 + 2  # two of its pixels for one of the network's
    assert photo.image.shape[:2] == photo.labels.shape
    assert set(np.unique(photo.labels)) <= set(np.unique(labels))
    scale = photo.labels.shape[0] / 500
    # each leaf keeps its share of the photo and its place
    for leaf in np.flatnonzero(np.bincount(labels.ravel()) > 500)[1:]:
        now, before = photo.labels == leaf, labels == leaf
        assert now.sum() == pytest.approx(before.sum() * scale**2, rel=0.15)
        np.testing.assert_allclose(np.argwhere(now).mean(0), np.argwhere(before).mean(0) * scale, atol=1)
    assert abs(photo.image.mean() - image.mean()) < 1


def test_a_photo_is_learnt_from_in_the_contrast_that_it_will_be_seen_in(tmp_path):
    image, labels = draw_plant(1, height=90, width=100)
    dark = (image // 5).astype(np.uint8)
    stretching = replace(RUN, looks=replace(RUN.looks, stretch=True))
    photo = read_photo(write_pair(tmp_path, dark, labels), stretching)
    np.testing.assert_array_equal(photo.image, stretch_contrast(dark))


@pytest.mark.parametrize("one_plant", [True, False])
@pytest.mark.parametrize("tile_side", [0, 64, 240])
def test_a_photo_of_one_plant_is_learnt_from_in_tiles(tmp_path, one_plant, tile_side):
    labels = np.zeros((90, 200), np.int32)
    labels[20:70, 100:190] = 1
    image = np.full((90, 200, 3), 50, np.uint8)
    looks = replace(RUN.looks, tile_side=tile_side, one_plant=one_plant, input_size=128)
    photo = read_photo(write_pair(tmp_path, image, labels), replace(RUN, looks=looks))
    around = square_around(labels > 0, margin=RUN.looks.margin)
    assert around.side > 64
    if not one_plant or tile_side == 0:
        assert not photo.tiled
        assert photo.square == around
    else:
        assert photo.tiled
        assert photo.square == (
            Square(13, 113, 64)
            if tile_side == 64  # about the middle of the objects
            else Square(-75, -20, 240)  # the photo in its middle
        )


def test_a_tile_of_a_far_finer_photo_is_scaled_down_with_it(tmp_path):
    image, labels = draw_plant(1, height=500, width=530)
    looks = replace(RUN.looks, tile_side=256, one_plant=True)
    photo = read_photo(write_pair(tmp_path, image, labels), replace(RUN, looks=looks))
    assert photo.labels.shape == (250, 265)
    assert photo.square.side == 128
    assert photo.labels[photo.square.inside(250, 265)].any()


def test_a_label_map_of_another_size_is_refused(tmp_path):
    image, labels = draw_plant(1, height=90, width=100)
    with pytest.raises(DatasetError, match=r"a\.png: 100 x 80 pixels, its photo has 100 x 90"):
        read_photo(write_pair(tmp_path, image, labels[:80]), RUN)


def test_the_papers_views_know_no_tiles():
    tiles = LookSettings(input_size=64, one_plant=True, tile_side=64)
    with pytest.raises(SettingsError, match=r"augment\.kind=zoom"):
        RunSettings(looks=tiles, augment=AugmentSettings(kind="paper"))


def test_synthetic_photos_follow_the_runs_seed():
    first = synthetic_photos(replace(RUN, training=TrainingSettings(synthetic_plants=2, seed=1)))
    again = synthetic_photos(replace(RUN, training=TrainingSettings(synthetic_plants=2, seed=1)))
    other = synthetic_photos(replace(RUN, training=TrainingSettings(synthetic_plants=1, seed=2)))
    assert (len(first), len(other)) == (2, 1)
    for one, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.image, same.image)
    assert not any(np.array_equal(one.image, other[0].image) for one in first)
    assert synthetic_photos(RUN) == []


def test_views_for_validation_are_the_upright_squares():
    photo = small_photo()
    views = Views([photo, photo], RUN, random=False)
    assert len(views) == 2
    image, labels = views[1]
    assert image.shape == (3, 64, 64)
    assert set(labels.unique().tolist()) == set(np.unique(photo.labels).tolist())
    expected = cut_square(photo.image, photo.square, 64) / 255
    assert np.abs(image.permute(1, 2, 0).numpy() - expected).mean() < 0.05
    assert torch.equal(views[0][0], image)


@pytest.mark.parametrize("kind", ["zoom", "paper"])
def test_views_for_training_differ_and_follow_the_seed(kind):
    settings = replace(RUN, augment=AugmentSettings(kind=kind))
    views = Views([small_photo()], settings, random=True)
    runs = []
    for _ in range(2):
        torch.manual_seed(3)
        runs.append([views[0] for _ in range(6)])
    for (image, labels), (same_image, same_labels) in zip(*runs, strict=True):
        assert image.shape == (3, 64, 64)
        assert labels.shape == (64, 64)
        assert labels.dtype == torch.int64
        assert image.min() >= 0
        assert image.max() <= 1
        assert torch.equal(image, same_image)
        assert torch.equal(labels, same_labels)
    assert any(not torch.equal(runs[0][0][1], labels) for _, labels in runs[0][1:])


def test_distractors_lie_in_the_views_that_are_to_have_them():
    photo = small_photo()
    without, with_them = (
        Views(
            [photo],
            replace(RUN, augment=AugmentSettings(distractor_share=share, color=0, hue=0)),
            random=True,
        )
        for share in (0.0, 1.0)
    )
    changed = 0
    for seed in range(10):
        torch.manual_seed(seed)
        image, labels = without[0]
        torch.manual_seed(seed)
        seen, same = with_them[0]
        assert torch.equal(labels, same)
        assert torch.allclose(seen[:, labels > 0], image[:, labels > 0], atol=1e-6)
        changed += not torch.allclose(seen, image, atol=1e-6)
    assert changed > 0


def test_what_a_run_does_not_have_draws_no_number():
    photo = small_photo()
    torch.manual_seed(5)
    Views([photo], RUN, random=True)[0]
    after = torch.get_rng_state()
    torch.manual_seed(5)
    random_view(photo.square, *photo.labels.shape, RUN.augment)
    chance()  # of leaves that are laid
    assert torch.equal(torch.get_rng_state(), after)


def changed_shares(**augment):
    """In which shares of 12 views the ground and the plant are other than without a change of them."""
    changed = torch.zeros(2)
    for seed in range(12):
        torch.manual_seed(seed)
        image, labels = Views([small_photo()], RUN, random=True)[0]
        torch.manual_seed(seed)
        settings = replace(RUN, augment=replace(RUN.augment, **augment))
        seen, same = Views([small_photo()], settings, random=True)[0]
        assert torch.equal(labels, same)
        differs = ((seen - image).abs() > 1e-3).any(0)
        parts = differs[labels == 0], differs[labels > 0]
        changed += torch.tensor([part.float().mean() > 0.5 for part in parts])
    return (changed / 12).tolist()


def test_veins_ground_and_camera_change_the_views_that_are_to_have_them(monkeypatch):
    monkeypatch.setattr(views, "FAR_SHARE", 0.0)
    ground, plant = changed_shares(background_share=1.0)
    assert ground > 0.9
    # outlines go over into the ground, and in a view of the whole photo leaves are hardly more
    assert plant < 0.2
    ground, plant = changed_shares(camera_share=1.0)
    assert ground > 0.7
    assert plant > 0.7
    monkeypatch.setattr(veins, "RIB", (1.0, 1.0))
    monkeypatch.setattr(veins, "STRENGTH", (0.2, 0.2))
    ground, plant = changed_shares(vein_share=1.0)
    assert ground == 0
    assert plant > 0.9


def test_distractors_lie_on_the_new_ground(monkeypatch):
    monkeypatch.setattr(photos, "change_background", lambda image, labels: image * (labels > 0))
    augment = AugmentSettings(background_share=1.0, distractor_share=1.0)
    torch.manual_seed(0)
    laid = Views([small_photo()], replace(RUN, augment=augment), random=True)
    looks = [laid[0] for _ in range(10)]
    assert any(image[:, labels == 0].any() for image, labels in looks)


def test_plants_on_other_ground_may_be_seen_from_farther_away(monkeypatch):
    monkeypatch.setattr(views, "FAR_SHARE", 1.0)
    monkeypatch.setattr(views, "FARTHEST", 3.0)
    settings = replace(
        RUN,
        augment=AugmentSettings(
            background_share=1.0, whole_photo_share=0, smallest_view=1.0, largest_view=1.0, shift=0
        ),
    )
    torch.manual_seed(0)
    areas = [int((Views([small_photo()], settings, random=True)[0][1] > 0).sum()) for _ in range(40)]
    assert 5 < max(areas) / min(areas) < 15  # 1 to 3 times as far: 1 to 9 times the area


def test_without_augmentation_training_sees_the_upright_squares():
    photo = small_photo()
    settings = replace(RUN, augment=AugmentSettings(kind="none"))
    trained, validated = Views([photo], settings, random=True), Views([photo], settings, random=False)
    assert torch.equal(trained[0][0], validated[0][0])


def test_looking_leaves_the_photos_alone():
    photo = small_photo()
    before = photo.image.copy(), photo.labels.copy()
    views = Views([photo], RUN, random=True)
    image, labels = views[0]
    image.zero_()
    labels.zero_()
    np.testing.assert_array_equal(photo.image, before[0])
    np.testing.assert_array_equal(photo.labels, before[1])


def test_a_photo_without_objects_is_seen_whole():
    image = np.full((40, 60, 3), 90, np.uint8)
    empty = Photo(image, np.zeros((40, 60), np.int32), square_around(np.zeros((40, 60), bool)))
    for random in (False, True):
        seen, labels = Views([empty], RUN, random=random)[0]
        assert seen.shape == (3, 64, 64)
        assert not labels.any()
