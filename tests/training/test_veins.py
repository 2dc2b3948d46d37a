import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from leafwise.training import veins
from leafwise.training.veins import draw_veins


def plant():
    """Two leaves of 20 x 40 pixels, left and right of the middle of a grey view of 100 pixels."""
    labels = torch.zeros(100, 100, dtype=torch.long)
    labels[40:60, 5:45] = 1
    labels[40:60, 55:95] = 3
    return torch.full((3, 100, 100), 0.4), labels


@given(st.integers(0, 10_000))
def test_veins_change_leaves_alone(seed):
    torch.manual_seed(seed)
    image, labels = plant()
    image = image * torch.rand(image.shape)
    seen = draw_veins(image, labels)
    assert seen.min() >= 0
    assert seen.max() <= 1
    assert torch.equal(seen[:, labels == 0], image[:, labels == 0])


@pytest.fixture
def strong(monkeypatch):
    """Veins half as bright again, half a pixel wide where leaves have 800 pixels: no branches."""
    for name, value in {"STRENGTH": 0.5, "RIB": 0.03, "FAINTER": 0.0, "SPACING": 0.4}.items():
        monkeypatch.setattr(veins, name, (value, value))


@pytest.mark.usefixtures("strong")
def test_a_midrib_runs_from_the_plants_middle_through_the_leafs():
    image, labels = plant()
    seen = draw_veins(image, labels)[0]
    # the leaves' middle line lies between rows 49 and 50: half a pixel from both, and 0.85 pixels are rib on each side
    brightest = seen[:, 25]
    assert brightest[49].item() == pytest.approx(0.4 * (1 + 0.5 * (0.03 * 800**0.5 - 0.5 + 0.5)), rel=1e-4)
    assert brightest[49] == brightest[50]
    assert torch.allclose(brightest[40:48], torch.tensor(0.4))
    torch.testing.assert_close(seen[40:60, 5:45], seen[40:60, 55:95].flip(1))


@pytest.mark.usefixtures("strong")
def test_branches_leave_the_midrib_at_half_a_right_angle_evenly(monkeypatch):
    monkeypatch.setattr(veins, "FAINTER", (1.0, 1.0))
    monkeypatch.setattr(veins, "BRANCH", (0.5, 0.5))
    image, labels = plant()
    seen = draw_veins(image, labels)[0]
    leaf = seen[40:60, 55:95]
    # away from the plant's middle, one column for each row away from the midrib
    torch.testing.assert_close(leaf[12:18, 10:30], leaf[13:19, 11:31])
    torch.testing.assert_close(leaf[2:8, 10:30], leaf[1:7, 11:31])
    peaks = leaf[16] > 0.41
    starts = (peaks[1:] & ~peaks[:-1]).nonzero()[:, 0]
    assert starts.diff().float().mean() == pytest.approx(0.4 * 800**0.5, abs=0.6)


def test_a_view_without_leaves_stays_as_it_is():
    image, labels = torch.rand(3, 32, 32), torch.zeros(32, 32, dtype=torch.long)
    assert torch.equal(draw_veins(image, labels), image)
