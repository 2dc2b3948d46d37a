import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from leafwise.training import things
from leafwise.training.things import lay_things


def plant():
    """A green square in the middle of a black view of 96 pixels."""
    labels = torch.zeros(96, 96, dtype=torch.long)
    labels[38:58, 38:58] = 1
    image = torch.zeros(3, 96, 96)
    image[1, labels > 0] = 0.5
    image[0, labels > 0] = 0.2
    return image, labels


@given(st.integers(0, 10_000), st.integers(1, 4))
def test_things_leave_the_plant_alone(seed, most):
    torch.manual_seed(seed)
    image, labels = plant()
    seen = lay_things(image, labels, most)
    assert seen.shape == image.shape
    assert seen.min() >= 0
    assert seen.max() <= 1
    assert torch.equal(seen[:, labels > 0], image[:, labels > 0])


def test_things_have_the_plants_colour(monkeypatch):
    monkeypatch.setattr(things, "TINT", (1.0, 1.0))
    monkeypatch.setattr(things, "RIM", (1.0, 1.0))
    monkeypatch.setattr(things, "SHADE", 0.0)
    image, labels = plant()
    sizes = []
    for seed in range(20):
        torch.manual_seed(seed)
        seen = lay_things(image, labels, 1)
        laid = (seen != image).any(0)
        sizes.append(int(laid.sum()))
        if laid.any():
            torch.testing.assert_close(seen[:, laid], image[:, labels > 0][:, :1].expand(3, sizes[-1]))
    assert sum(size > 0 for size in sizes) > 10
    longest = things.SIZES[1] * 96
    assert max(sizes) <= (2 * longest + 2) ** 2


def test_an_ellipse_has_the_area_of_one(monkeypatch):
    monkeypatch.setattr(things, "CORNERS", (2.0, 2.0))
    monkeypatch.setattr(things, "SIZES", (0.1, 0.1))
    monkeypatch.setattr(things, "RIM", (1.0, 1.0))
    image, labels = plant()
    areas = []
    for seed in range(40):
        torch.manual_seed(seed)
        areas.append(int((lay_things(image, labels, 1) != image).any(0).sum()))
    # half axes of 9.6 and of 0.4 to 1 times that; one that the view's border cuts is smaller
    assert max(areas) <= torch.pi * 9.6**2 * 1.05
    assert max(areas) > torch.pi * 9.6**2 * 0.7


@pytest.mark.parametrize("full", [False, True])
def test_a_view_without_objects_or_without_background_stays_as_it_is(full):
    image = torch.rand(3, 32, 32)
    labels = torch.full((32, 32), int(full))
    torch.manual_seed(0)
    assert torch.equal(lay_things(image, labels, 3), image)
