import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from leafwise.training import camera
from leafwise.training.camera import change_camera


@pytest.fixture
def only(monkeypatch):
    """Leaves one change of the four, with one strength."""

    def leave(name, strength):
        for other, none in {"SHADOW": 0.0, "GAMMA": 1.0, "NOISE": 0.0, "BLUR": 0.01}.items():
            value = strength if other == name else none
            monkeypatch.setattr(camera, other, (value, value))
        monkeypatch.setattr(camera, "EACH", 1.0)

    return leave


@given(st.integers(0, 10_000))
def test_a_view_stays_an_image(seed):
    torch.manual_seed(seed)
    image = torch.rand(3, 48, 48)
    seen = change_camera(image)
    assert seen.shape == image.shape
    assert seen.dtype == image.dtype
    assert seen.min() >= 0
    assert seen.max() <= 1


def test_the_curve_is_a_power(only):
    only("GAMMA", 2.0)
    image = torch.linspace(0, 1, 3 * 32 * 32).view(3, 32, 32)
    torch.testing.assert_close(change_camera(image), image**2, atol=1e-5, rtol=1e-4)


def test_noise_has_its_standard_deviation(only):
    only("NOISE", 0.05)
    torch.manual_seed(0)
    noise = change_camera(torch.full((3, 96, 96), 0.5)) - 0.5
    assert noise.std() == pytest.approx(0.05, rel=0.05)
    assert noise.mean() == pytest.approx(0, abs=0.002)


def test_a_point_is_blurred_to_a_gaussian(only):
    only("BLUR", 1.0)
    image = torch.zeros(3, 31, 31)
    image[:, 15, 15] = 1
    seen = change_camera(image)
    assert seen[0].sum() == pytest.approx(1, abs=1e-4)
    assert seen[0, 15, 16] / seen[0, 15, 15] == pytest.approx(torch.exp(torch.tensor(-0.5)).item(), rel=1e-3)


def test_light_falls_off_from_one_side_to_the_other(only):
    only("SHADOW", 0.4)
    torch.manual_seed(0)
    seen = change_camera(torch.full((3, 64, 64), 0.5))
    assert seen.mean() == pytest.approx(0.5, abs=1e-3)
    edges = [seen[0, :, 0].mean(), seen[0, :, -1].mean(), seen[0, 0].mean(), seen[0, -1].mean()]
    assert min(edges) < 0.5 * 0.75
    assert max(edges) > 0.5 * 1.25
    # along a line it changes evenly
    steps = seen[0, 10].diff()
    torch.testing.assert_close(steps, steps.mean().expand(63), atol=1e-5, rtol=0)


def test_none_of_it_may_happen(monkeypatch):
    monkeypatch.setattr(camera, "EACH", 0.0)
    image = torch.rand(3, 32, 32)
    assert torch.equal(change_camera(image), image)
