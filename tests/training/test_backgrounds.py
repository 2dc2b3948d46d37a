import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from leafwise.training import backgrounds
from leafwise.training.backgrounds import change_background

GREEN = torch.tensor([0.2, 0.6, 0.1])


def plant():
    """A green square in the middle of a violet view of 64 pixels."""
    labels = torch.zeros(64, 64, dtype=torch.long)
    labels[20:44, 20:44] = 1
    image = torch.tensor([0.9, 0.0, 0.9])[:, None, None].repeat(1, 64, 64)
    image[:, labels > 0] = GREEN[:, None]
    return image, labels


@given(st.integers(0, 10_000))
def test_the_plant_stays_and_its_ground_goes(seed):
    torch.manual_seed(seed)
    image, labels = plant()
    seen = change_background(image, labels)
    assert seen.shape == image.shape
    assert seen.min() >= 0
    assert seen.max() <= 1
    torch.testing.assert_close(seen[:, 21:43, 21:43], image[:, 21:43, 21:43])  # all but its outline
    assert (seen != image).any(0)[labels == 0].float().mean() > 0.9


def test_outline_pixels_are_mixed_by_how_much_of_their_surroundings_is_plant(monkeypatch):
    monkeypatch.setattr(backgrounds, "_texture", lambda image, unlike: torch.zeros_like(image))
    image, labels = plant()
    seen = change_background(image, labels)
    torch.testing.assert_close(seen[:, 30, 20], GREEN * 6 / 9)  # two of three columns are plant
    torch.testing.assert_close(seen[:, 20, 20], GREEN * 4 / 9)
    assert not seen[:, labels == 0].any()  # nothing of the old ground


def test_the_ground_is_not_of_the_plants_colour(monkeypatch):
    monkeypatch.setattr(backgrounds, "CONTRAST", (0.0, 0.2))
    torch.manual_seed(0)
    image, _ = plant()
    for _ in range(40):
        color = backgrounds._texture(image, GREEN).mean((1, 2))
        assert (
            torch.linalg.vector_norm(color - GREEN) >= backgrounds.UNLIKE - 0.03
        )  # bright noise is cut at 1


@pytest.mark.parametrize("speckle", [0.0, 0.5])
def test_speckle_is_noise_of_each_channel_alone(monkeypatch, speckle):
    monkeypatch.setattr(backgrounds, "SPECKLE", speckle)
    monkeypatch.setattr(backgrounds, "SATURATION", (0.0, 0.0))
    torch.manual_seed(0)
    red, green, _ = backgrounds._texture(torch.zeros(3, 64, 64), GREEN)
    assert ((red - green).abs().max() > 0.01) == (speckle > 0)


def test_contrast_is_the_spread_of_brightness(monkeypatch):
    monkeypatch.setattr(backgrounds, "CONTRAST", (0.1, 0.1))
    monkeypatch.setattr(backgrounds, "SATURATION", (0.0, 0.0))
    monkeypatch.setattr(backgrounds, "BRIGHTNESS", (0.5, 0.5))
    monkeypatch.setattr(backgrounds, "POT_SHARE", 0.0)
    torch.manual_seed(0)
    image, labels = plant()
    ground = change_background(image, labels)[:, :10]
    whole = backgrounds._texture(image, GREEN)
    assert whole.std() == pytest.approx(0.05, rel=0.1)
    assert 0.2 < ground.mean() < 0.8


def test_a_pot_has_a_texture_of_its_own(monkeypatch):
    colors = iter([0.25, 0.75])
    monkeypatch.setattr(backgrounds, "_texture", lambda image, unlike: torch.full_like(image, next(colors)))
    monkeypatch.setattr(backgrounds, "POT_SHARE", 1.0)
    monkeypatch.setattr(backgrounds, "POT", (0.45, 0.45))
    monkeypatch.setattr(backgrounds, "OFF_MIDDLE", (0.0, 0.0))
    image, labels = plant()
    seen = change_background(image, labels)
    assert seen[:, labels == 0].unique().tolist() == [0.25, 0.75]
    inside = (seen[0] == 0.25).sum() + (labels > 0).sum()
    assert int(inside) == pytest.approx(torch.pi * (0.45 * 64) ** 2, rel=0.02)
    assert (seen[:, [0, 0, -1, -1], [0, -1, 0, -1]] == 0.75).all()


def test_a_pot_may_stand_off_the_middle(monkeypatch):
    monkeypatch.setattr(backgrounds, "POT", (0.3, 0.3))
    monkeypatch.setattr(backgrounds, "OFF_MIDDLE", (0.1, 0.1))
    torch.manual_seed(0)
    middles = torch.stack([backgrounds._disc(64).nonzero().float().mean(0) for _ in range(20)])
    distances = torch.linalg.vector_norm(middles - 31.5, dim=1)
    torch.testing.assert_close(distances, torch.full((20,), 6.4), atol=0.3, rtol=0)
    assert (middles.std(0) > 2).all()


def test_a_view_without_objects_stays_as_it_is():
    image, labels = torch.rand(3, 32, 32), torch.zeros(32, 32, dtype=torch.long)
    assert torch.equal(change_background(image, labels), image)
