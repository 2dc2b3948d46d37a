import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from leafwise.training import distractors
from leafwise.training.distractors import lay_distractors


def plant():
    """A green square in the middle of a black view of 96 pixels."""
    labels = torch.zeros(96, 96, dtype=torch.long)
    labels[38:58, 38:58] = 1
    image = torch.zeros(3, 96, 96)
    image[1, labels > 0] = 0.5
    image[0, labels > 0] = 0.2
    return image, labels


@given(st.integers(0, 10_000), st.integers(1, 4))
def test_distractors_leave_the_plant_alone(seed, most):
    torch.manual_seed(seed)
    image, labels = plant()
    seen = lay_distractors(image, labels, most)
    assert seen.shape == image.shape
    assert seen.min() >= 0
    assert seen.max() <= 1
    assert torch.equal(seen[:, labels > 0], image[:, labels > 0])


def looks(n_seeds, most):
    """Views with distractors, and where these are."""
    image, labels = plant()
    for seed in range(n_seeds):
        torch.manual_seed(seed)
        seen = lay_distractors(image, labels, most)
        yield seen, (seen != image).any(0)


def test_distractors_have_the_plants_colour(monkeypatch):
    monkeypatch.setattr(distractors, "TINT", (1.0, 1.0))
    monkeypatch.setattr(distractors, "RIM", (1.0, 1.0))
    monkeypatch.setattr(distractors, "SHADE", 0.0)
    found = 0
    for seen, laid in looks(20, 1):
        if laid.any():
            color = torch.tensor([0.2, 0.5, 0.0])[:, None].expand(3, int(laid.sum()))
            torch.testing.assert_close(seen[:, laid], color)
            found += 1
    assert found > 10


def test_an_ellipse_has_the_area_of_one(monkeypatch):
    monkeypatch.setattr(distractors, "CORNERS", (2.0, 2.0))
    monkeypatch.setattr(distractors, "SIZES", (0.1, 0.1))
    largest = max(int(laid.sum()) for _, laid in looks(40, 1))
    # half axes of 9.6 and of 0.4 to 1 times that; one that the view's border cuts is smaller
    assert torch.pi * 9.6**2 * 0.7 < largest <= torch.pi * 9.6**2 * 1.05


def test_more_than_one_distractor_is_laid(monkeypatch):
    monkeypatch.setattr(distractors, "CORNERS", (2.0, 2.0))
    monkeypatch.setattr(distractors, "SIZES", (0.05, 0.05))
    assert max(int(laid.sum()) for _, laid in looks(20, 3)) > 1.5 * torch.pi * 4.8**2


def test_a_rim_has_its_own_brightness(monkeypatch):
    for name, value in {"SIZES": 0.15, "CORNERS": 2.0, "TINT": 1.0, "RIM": 0.5, "RIM_FROM": 0.8}.items():
        monkeypatch.setattr(distractors, name, (value, value))
    monkeypatch.setattr(distractors, "SHADE", 0.0)
    seen, laid = max(looks(20, 1), key=lambda one: int(one[1].sum()))
    torch.testing.assert_close(seen[1, laid].unique(), torch.tensor([0.25, 0.5]))
    assert (seen[1, laid] < 0.3).float().mean() == pytest.approx(1 - 0.8**2, abs=0.08)


def test_distractors_are_shaded_from_end_to_end(monkeypatch):
    for name in ("TINT", "RIM"):
        monkeypatch.setattr(distractors, name, (1.0, 1.0))
    greens = [seen[1, laid] for seen, laid in looks(20, 1) if laid.any()]
    assert max(green.max() for green in greens) > 0.55
    assert min(green.min() for green in greens) < 0.45
    assert all(green.min() >= 0.3 - 1e-6 and green.max() <= 0.7 + 1e-6 for green in greens)


@pytest.mark.parametrize("full", [False, True])
def test_a_view_without_objects_or_without_background_stays_as_it_is(full):
    image = torch.rand(3, 32, 32)
    labels = torch.full((32, 32), int(full))
    torch.manual_seed(0)
    assert torch.equal(lay_distractors(image, labels, 3), image)
