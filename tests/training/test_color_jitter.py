"""Colours of a batch, against torchvision's own changes and by what a turn of the hue must keep."""

import pytest
import torch
from skimage.color import rgb2hsv
from torchvision.transforms.v2 import functional

from leafwise.config import AugmentSettings
from leafwise.training.color_jitter import jitter_colors


@pytest.fixture
def images():
    return 0.3 + 0.3 * torch.rand(5, 3, 12, 16, generator=torch.Generator().manual_seed(0))


def changed(monkeypatch, images, *, shares=(0.5, 0.5, 0.5), hue_share=0.5, **settings):
    """With shares of the way from the lowest to the highest change, instead of random ones."""

    def chosen(*shape):
        if len(shape) == 1:
            return torch.full(shape, hue_share)
        return torch.tensor(shares)[:, None, None, None].expand(shape).clone()

    with monkeypatch.context() as patch:
        patch.setattr(torch, "rand", chosen)
        return jitter_colors(images, AugmentSettings(**settings))


@pytest.mark.parametrize("lower_precision", [False, True])
def test_without_strength_nothing_changes(images, lower_precision):
    with torch.autocast("cpu", torch.bfloat16, enabled=lower_precision):
        same = jitter_colors(images, AugmentSettings(color=0.0, hue=0.0))
    assert torch.allclose(same, images, atol=1e-6)


@pytest.mark.parametrize(
    ("place", "adjust"),
    [
        (0, functional.adjust_brightness),
        (1, functional.adjust_contrast),
        (2, functional.adjust_saturation),
    ],
)
@pytest.mark.parametrize("share", [0.0, 0.8, 1.0])
def test_a_single_change_is_torchvisions(monkeypatch, images, place, adjust, share):
    shares = [0.5, 0.5, 0.5]
    shares[place] = share
    ours = changed(monkeypatch, images, shares=shares, color=0.4, hue=0.0)
    theirs = adjust(images, 1 + 0.4 * (2 * share - 1)).clamp(0, 1)
    assert torch.allclose(ours, theirs, atol=2e-3)  # torchvision's luma is rounded to 4 digits


def test_a_third_of_a_circle_turns_red_into_green_and_greys_stay(monkeypatch):
    images = torch.zeros(1, 3, 1, 3)
    images[0, 0, 0, 0] = 0.8  # red
    images[0, 2, 0, 1] = 0.8  # blue
    images[0, :, 0, 2] = 0.4  # grey
    turned = changed(monkeypatch, images, hue_share=1.0, color=0.0, hue=1 / 3)
    expected = torch.zeros(1, 3, 1, 3)
    expected[0, 1, 0, 0] = 0.8  # green
    expected[0, 0, 0, 1] = 0.8  # red
    expected[0, :, 0, 2] = 0.4
    assert torch.allclose(turned, expected, atol=1e-6)


def test_a_hue_turns_by_its_share_of_the_circle(monkeypatch, images):
    turned = changed(monkeypatch, images, hue_share=1.0, color=0.0, hue=0.04)
    before, after = (rgb2hsv(one.permute(0, 2, 3, 1).numpy())[..., 0] for one in (images, turned))
    shifts = (after - before + 0.5) % 1 - 0.5
    assert shifts.mean() == pytest.approx(0.04, abs=0.002)  # HSV's circle is a hexagon
    assert 0.02 < shifts.min() < shifts.max() < 0.06


def test_each_image_has_its_own_chance_and_stays_within_bounds():
    images = torch.rand(1, 3, 8, 8).expand(6, 3, 8, 8)
    seen = jitter_colors(images, AugmentSettings(color=0.9, hue=0.2))
    assert len({round(float(one.mean()), 5) for one in seen}) == 6
    assert seen.min() >= 0
    assert seen.max() <= 1
