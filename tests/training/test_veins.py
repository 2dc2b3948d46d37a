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
    """Midribs half as bright again, 1.7 pixels wide where leaves have 800 pixels; branches cannot be seen."""
    for name, value in {"STRENGTH": 0.5, "RIB": 0.03, "FAINTER": 0.0, "SPACING": 0.4}.items():
        monkeypatch.setattr(veins, name, (value, value))


@pytest.mark.usefixtures("strong")
def test_a_midrib_runs_from_the_plants_middle_through_the_leafs():
    image, labels = plant()
    seen = draw_veins(image, labels)[0]
    # the leaves' middle lies between rows 49 and 50, half a pixel from both
    brightest = seen[:, 25]
    assert brightest[49].item() == pytest.approx(0.4 * (1 + 0.5 * 0.03 * 800**0.5), rel=1e-4)
    assert brightest[49] == brightest[50]
    assert torch.allclose(brightest[40:48], torch.tensor(0.4))
    torch.testing.assert_close(seen[40:60, 5:45], seen[40:60, 55:95].flip(1))


@pytest.mark.usefixtures("strong")
def test_a_midrib_of_a_slanted_leaf_is_slanted():
    image, labels = torch.full((3, 100, 100), 0.4), torch.zeros(100, 100, dtype=torch.long)
    labels[10:31, 20:41], labels[69:90, 59:80] = 1, 2  # their middles: (20, 30) and (79, 69)
    rib = (draw_veins(image, labels)[0] > 0.45).nonzero().float()
    slope = (79 - 20) / (69 - 30)
    off = (rib[:, 0] - 20 - slope * (rib[:, 1] - 30)) / (1 + slope**2) ** 0.5
    assert off.abs().max() < 1.2
    assert len(rib) > 2 * 21  # from end to end


@pytest.mark.usefixtures("strong")
def test_veins_turn_with_the_plant(monkeypatch):
    monkeypatch.setattr(veins, "FAINTER", (1.0, 1.0))
    image, labels = torch.full((3, 100, 100), 0.4), torch.zeros(100, 100, dtype=torch.long)
    labels[10:31, 20:41], labels[60:90, 50:70], labels[20:30, 60:90] = 1, 2, 3
    torch.manual_seed(0)
    seen = draw_veins(image, labels)
    torch.manual_seed(0)
    turned = draw_veins(image, labels.rot90())
    torch.testing.assert_close(turned, seen.rot90(dims=(1, 2)), atol=1e-4, rtol=0)


@pytest.mark.usefixtures("strong")
@pytest.mark.parametrize("alone", [True, False])
def test_a_leaf_in_the_plants_middle_has_a_midrib_too(alone):
    image, labels = plant()
    labels = labels * (not alone)
    labels[40:60, 45:55] = 2
    seen = draw_veins(image, labels)[0, labels == 2]
    assert 0.05 < (seen > 0.45).float().mean() < 0.5


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
    # what is brighter along a row, in whole pixels of full strength: a branch's width over the sine of its angle
    width = 2 * 0.5 * 0.03 * 800**0.5
    turns = leaf[16, starts[0] - 2 : starts[-1] - 2]
    assert (turns / 0.4 - 1).sum() / 0.5 / (len(starts) - 1) == pytest.approx(width * 2**0.5, rel=0.1)


@pytest.mark.usefixtures("strong")
def test_a_line_thinner_than_a_pixel_is_as_faint_as_it_is_thin(monkeypatch):
    monkeypatch.setattr(veins, "RIB", (0.001, 0.001))
    image, labels = plant()
    labels = labels.clone()
    labels[60] = labels[59]  # 21 rows: the midrib lies in the middle of one
    seen = draw_veins(image, labels)[0]
    assert (seen[50, 25] / 0.4 - 1).item() == pytest.approx(0.5 * 2 * 0.001 * (21 * 40) ** 0.5, rel=1e-3)


def test_a_view_without_leaves_stays_as_it_is():
    image, labels = torch.rand(3, 32, 32), torch.zeros(32, 32, dtype=torch.long)
    assert torch.equal(draw_veins(image, labels), image)
