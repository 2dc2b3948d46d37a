import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from speckled import embeddings_for, label_batches

from leafwise.losses import overlap_term


def loop_overlap(embeddings, labels, *, background):
    """The definition: loops over images, instances and pixels, in float64."""
    losses = []
    for x, y in zip(embeddings.double(), labels, strict=True):
        instances = sorted({int(v) for v in y.flatten()} - (set() if background else {0}))
        pixels = [
            (x[:, i, j], int(y[i, j])) for i, j in torch.cartesian_prod(*map(torch.arange, y.shape)).tolist()
        ]
        pixels = [(point, c) for point, c in pixels if c in instances]
        means = [torch.stack([point for point, of in pixels if of == c]).mean(0) for c in instances]
        dice = []
        for number, c in enumerate(instances):
            chances = []
            for point, _ in pixels:
                nearness = [torch.exp(-(point - mean).square().sum()) for mean in means]
                chances.append(nearness[number] / sum(nearness))
            own = [chance for chance, (_, of) in zip(chances, pixels, strict=True) if of == c]
            dice.append(2 * sum(own) / (sum(chances) + len(own)))
        if len(instances) > 1:
            losses.append(1 - sum(dice) / len(dice))
    return sum(losses) / len(losses) if losses else 0 * embeddings.double().sum()


@settings(max_examples=40)
@given(labels=label_batches(), seed=st.integers(0, 99), background=st.booleans())
def test_value_and_gradient_equal_the_plain_loop(labels, seed, background):
    slow = embeddings_for(labels, seed=seed).requires_grad_()
    expected = loop_overlap(slow, labels, background=background)
    there = torch.autograd.grad(expected, slow)[0]
    fast = slow.detach().clone().requires_grad_()
    found = overlap_term(fast, labels, background=background)
    here = torch.autograd.grad(found, fast)[0]
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(here.double(), there.double(), rtol=1e-3, atol=1e-5)


def line(*values):
    """One image of one row, with embeddings of size 1."""
    return torch.tensor(values, dtype=torch.float64)[None, None, None]


def test_by_hand():
    # means 0 and 3; the outer pixels lie on their own, those of the middle have moved towards each other by 1
    labels = torch.tensor([[[1, 1, 1, 2, 2, 2]]])
    found = overlap_term(line(-0.5, -0.5, 1.0, 2.0, 3.5, 3.5), labels, background=False)
    sure, unsure = 1 / (1 + math.exp(0.25 - 12.25)), 1 / (1 + math.exp(1 - 4))
    own = 2 * sure + unsure
    assert found.item() == pytest.approx(1 - 2 * own / (3 + 3))


def test_sees_borders_alone():
    labels = torch.tensor([[[1, 1, 1, 2, 2, 2]]])
    at_rest = line(-0.3, 0.0, 0.3, 8.7, 9.0, 9.3)
    assert overlap_term(at_rest, labels, background=False).item() < 1e-20
    between = line(0.0, 0.0, 1.4, 3.0, 3.0, 3.0).requires_grad_()
    (pull,) = torch.autograd.grad(overlap_term(between, labels, background=False), between)
    assert pull.flatten().abs().argmax() == 2
    assert pull.flatten()[2] > 0  # lower is nearer to its own mean


def test_the_more_a_small_instance_gives_away_the_higher():
    labels = torch.tensor([[[1, 1, 1, 1, 2, 2]]])
    losses = [
        overlap_term(line(0.0, 0.0, 0.0, 0.0, 3.0, lost), labels, background=False).item()
        for lost in (3.0, 2.0, 1.0)
    ]
    assert losses == sorted(losses)
    assert losses[0] < 0.01 < losses[-1]


@pytest.mark.parametrize(
    "labels", [torch.zeros(1, 3, 3, dtype=torch.long), torch.ones(1, 3, 3, dtype=torch.long)]
)
def test_without_two_instances_there_is_nothing_between_them(labels):
    x = torch.randn(1, 4, 3, 3, requires_grad=True)
    found = overlap_term(x, labels, background=False)
    (gradient,) = torch.autograd.grad(found, x)
    assert found == 0
    assert not gradient.any()


def test_an_image_without_two_instances_is_left_out():
    labels = torch.tensor([[[1, 1, 2, 2]], [[0, 0, 3, 3]]])
    both = torch.cat([line(0.0, 1.0, 2.0, 3.0), line(5.0, 6.0, 7.0, 8.0)])
    assert (
        overlap_term(both, labels, background=False)
        == overlap_term(both[:1], labels[:1], background=False)
        > 0
    )


def test_under_autocast_it_is_computed_in_float32():
    labels = torch.tensor([[[1, 1, 2, 2]]])
    x = line(0.0, 1.25, 2.0, 3.5).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = overlap_term(x, labels, background=False)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(overlap_term(x.double(), labels, background=False).item(), rel=1e-5)
