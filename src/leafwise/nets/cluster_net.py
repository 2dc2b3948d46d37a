"""ClusterNet: a segment's likelihood image in, its mask out (paper, section 4.4, figures 3 and 4)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from leafwise.nets.blocks import conv_bn_relu


class ClusterNet(nn.Module):
    """The paper's U-Net: four blocks down, a bottom, four blocks up, and a last conv 1x1.

    The paper's `width` of 64 gives, from 224 x 224 pixels, 64 channels at 112, 128 at 56, 256 at 28, 512 at 14,
    then 1024 at the bottom, and the same back; another width scales them all.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        widths = [width, 2 * width, 4 * width, 8 * width]
        self.down = nn.ModuleList(map(DownBlock, [1, *widths[:-1]], widths))
        self.bottom = _two_convs(widths[-1], 16 * width)
        self.up = nn.ModuleList(map(UpBlock, reversed(widths)))
        self.last = nn.Conv2d(width, 1, 1)

    def forward(self, likelihood: Tensor) -> Tensor:
        """Likelihood images I_c float (B, 1, h, w), h and w multiples of 16 -> logits of the masks (B, h, w)."""
        x, skips = likelihood, []
        for block in self.down:
            x, skip = block(x)
            skips.append(skip)
        x = self.bottom(x)
        for block, skip in zip(self.up, reversed(skips), strict=True):
            x = block(x, skip)
        logits: Tensor = self.last(x)
        return logits[:, 0]


class DownBlock(nn.Module):
    """Twice [conv 3x3, BN, ReLU], then max-pool 2x2 (figure 4a)."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.convs = _two_convs(before, after)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, before, h, w) -> (B, after, h/2, w/2), and the skip (B, after, h, w), taken before the pool."""
        skip: Tensor = self.convs(x)
        return F.max_pool2d(skip, 2), skip


class UpBlock(nn.Module):
    """Bilinear x 2, [conv 3x3, BN, ReLU], the skip beside it, twice [conv 3x3, BN, ReLU] (figure 4b)."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.narrow = conv_bn_relu(2 * after, after, kernel=3)
        self.convs = _two_convs(2 * after, after)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """(B, 2 * after, h/2, w/2) and the skip (B, after, h, w) -> (B, after, h, w)."""
        x = self.narrow(F.interpolate(x, scale_factor=2, mode="bilinear"))
        mixed: Tensor = self.convs(torch.cat([x, skip], dim=1))
        return mixed


def _two_convs(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(conv_bn_relu(before, after, kernel=3), conv_bn_relu(after, after, kernel=3))
