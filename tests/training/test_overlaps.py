import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from leafwise.training import overlaps
from leafwise.training.overlaps import LEAST_SEEN, lay_leaves


def rosette():
    """Four leaves around the middle of a view of 96 pixels, each of one colour; the background is black."""
    labels = torch.zeros(96, 96, dtype=torch.long)
    for number, (top, left) in enumerate([(12, 40), (40, 12), (40, 64), (64, 40)], 1):
        labels[top : top + 20, left : left + 16] = number
    image = torch.stack([labels * 0.2, (labels > 0) * 0.5, labels * 0.0]).float()
    return image, labels


@given(st.integers(0, 10_000), st.integers(1, 4))
def test_leaves_are_added_and_none_is_hidden(seed, most):
    torch.manual_seed(seed)
    image, labels = rosette()
    seen, laid = lay_leaves(image, labels, most)
    assert seen.shape == image.shape
    assert seen.min() >= 0
    assert seen.max() <= 1
    sizes = torch.bincount(laid.flatten())
    assert 5 <= len(sizes) <= 5 + most
    assert sizes[1:].min() >= LEAST_SEEN
    assert ((laid > 0) | (labels == 0)).all()  # where a leaf was, there is one


def test_under_all_others_a_leaf_is_seen_only_beside_them(monkeypatch):
    monkeypatch.setattr(overlaps, "UNDER", 1.0)
    image, labels = rosette()
    for seed in range(20):
        torch.manual_seed(seed)
        seen, laid = lay_leaves(image, labels, 1)
        assert torch.equal(laid[labels > 0], labels[labels > 0])
        assert torch.allclose(seen[:, labels > 0], image[:, labels > 0])


def test_over_the_others_a_leaf_has_the_colour_of_its_own(monkeypatch):
    monkeypatch.setattr(overlaps, "UNDER", 0.0)
    monkeypatch.setattr(overlaps, "LIGHT", (1.0, 1.0))
    image, labels = rosette()
    found = 0
    for seed in range(20):
        torch.manual_seed(seed)
        seen, laid = lay_leaves(image, labels, 1)
        inner = torch.nn.functional.max_pool2d((laid != 5).float()[None], 5, 1, 2)[0] == 0
        if inner.any():
            colors = seen[0, inner]
            assert colors.max() - colors.min() == pytest.approx(0, abs=1e-5)
            assert float(colors[0]) in [pytest.approx(0.2 * leaf) for leaf in range(1, 5)]
            found += 1
    assert found > 10


def test_a_leaf_that_the_view_cuts_is_not_laid():
    labels = torch.zeros(64, 64, dtype=torch.long)
    labels[:20, 10:30] = 1
    labels[50:, 20:40] = 2
    image = torch.rand(3, 64, 64)
    seen, laid = lay_leaves(image, labels, 3)
    assert torch.equal(laid, labels)
    assert torch.equal(seen, image)


def test_a_view_without_leaves_stays_as_it_is():
    image, labels = torch.rand(3, 32, 32), torch.zeros(32, 32, dtype=torch.long)
    seen, laid = lay_leaves(image, labels, 3)
    assert torch.equal(laid, labels)
    assert torch.equal(seen, image)
