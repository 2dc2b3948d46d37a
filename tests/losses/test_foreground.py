import math

import pytest
import torch

from leafwise.losses import foreground_loss


def test_a_case_worked_by_hand():
    logits = torch.tensor([[[0.0, math.log(3)]]])  # chances 1/2 and 3/4
    labels = torch.tensor([[[0, 7]]])
    entropy = (-math.log(1 / 2) - math.log(3 / 4)) / 2
    dice = (2 * 0.75 + 1) / (1.25 + 1 + 1)
    assert foreground_loss(logits, labels).item() == pytest.approx(entropy + 1 - dice)


def test_sure_and_right_costs_nothing_and_sure_and_wrong_much():
    labels = torch.tensor([[[0, 1], [2, 0]]])
    right = torch.where(labels > 0, 50.0, -50.0)
    assert foreground_loss(right, labels).item() == pytest.approx(0, abs=1e-5)
    assert foreground_loss(-right, labels).item() > 50


def test_only_whether_a_pixel_has_a_label_counts():
    logits = torch.randn(2, 6, 6, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(72).reshape(2, 6, 6) % 5
    torch.testing.assert_close(foreground_loss(logits, labels), foreground_loss(logits, labels.clamp(max=1)))


@pytest.mark.parametrize("value", [0, 1])
def test_all_background_and_all_foreground_are_finite(value):
    logits = torch.randn(2, 4, 4, generator=torch.Generator().manual_seed(1), requires_grad=True)
    loss = foreground_loss(logits, torch.full((2, 4, 4), value))
    grad = torch.autograd.grad(loss, logits)[0]
    assert torch.isfinite(loss)
    # a step down the gradient makes the foreground likelier just where there is some
    assert (grad < 0).all() if value else (grad > 0).all()


def test_coarser_logits_are_scaled_to_the_labels():
    labels = torch.zeros(1, 8, 8, dtype=torch.long)
    labels[:, 2:6, 2:6] = 1
    coarse = torch.randn(1, 4, 4, generator=torch.Generator().manual_seed(2))
    fine = torch.nn.Upsample(scale_factor=2, mode="bilinear")(coarse[None])[0]
    torch.testing.assert_close(foreground_loss(coarse, labels), foreground_loss(fine, labels))


def test_computed_in_float32_under_bfloat16_autocast():
    logits = 3 * torch.randn(1, 64, 64, generator=torch.Generator().manual_seed(3))
    labels = (torch.arange(4096).reshape(1, 64, 64) % 3 == 0).long()
    with torch.autocast("cpu", torch.bfloat16):
        under = foreground_loss(logits.bfloat16(), labels)
    assert under.dtype == torch.float32
    torch.testing.assert_close(under, foreground_loss(logits.bfloat16().float(), labels))
