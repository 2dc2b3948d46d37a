"""Decoders: from the encoder's feature maps up to one map of features."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from leafwise.nets.blocks import conv_bn_relu, conv_relu_bn

WIDTHS = (128, 96, 64, 48)  # channels of the light decoder, the smallest map first


class PaperDecoder(nn.Module):
    """The paper's decoder (section 4.3, figure 2): up to twice the side of the encoder's largest map.

    Each step: nearest x 2, [conv 1x1, ReLU, BN], the encoder's feature map of that size beside it (none in the
    last), twice [conv 3x3, ReLU, BN]. With ResNet-101, in five steps up to the image's own size, 2048 -> 1024 ->
    512 -> 256 -> 64 -> 64 channels.
    """

    enlargement = 2  # of the encoder's largest map, along each axis

    def __init__(self, encoder_channels: Sequence[int]) -> None:
        super().__init__()
        *skips, bottom = encoder_channels
        skip_widths = [*reversed(skips), 0]  # beside each step, the smallest map first
        widths = [*reversed(skips), skips[0]]
        self.narrow = nn.ModuleList()
        self.mix = nn.ModuleList()
        before = bottom
        for width, skip_width in zip(widths, skip_widths, strict=True):
            self.narrow.append(conv_relu_bn(before, width, kernel=1))
            self.mix.append(
                nn.Sequential(
                    conv_relu_bn(width + skip_width, width, kernel=3), conv_relu_bn(width, width, kernel=3)
                )
            )
            before = width
        self.out_channels = before

    def forward(self, features: list[Tensor]) -> Tensor:
        """Feature maps, the largest (B, C, h, w) first, each half of the one before -> (B, out_channels, 2h, 2w)."""
        *skips, x = features
        for narrow, mix, skip in zip(self.narrow, self.mix, [*reversed(skips), None], strict=True):
            x = narrow(F.interpolate(x, scale_factor=2, mode="nearest"))
            x = mix(x if skip is None else torch.cat([x, skip], dim=1))
        return x


class LightDecoder(nn.Module):
    """A narrow U-Net decoder that stops at the encoder's largest map, as a rule half the image's size.

    Each step: nearest x 2, the encoder's feature map beside it, twice [conv 3x3, BN, ReLU]. Embeddings vary
    slowly inside a leaf, so that the last doubling can be a bilinear one, at a quarter of the cost.
    """

    enlargement = 1  # of the encoder's largest map

    def __init__(self, encoder_channels: Sequence[int], width: float = 1.0) -> None:
        """`width` times 128, 96, 64 and 48 channels, in whole eights."""
        super().__init__()
        *skips, bottom = encoder_channels
        widths = [8 * round(width * channels / 8) for channels in WIDTHS[-len(skips) :]]
        self.bottom = conv_bn_relu(bottom, widths[0], kernel=1)
        self.mix = nn.ModuleList()
        before = widths[0]
        for width, skip_width in zip(widths, reversed(skips), strict=True):
            self.mix.append(
                nn.Sequential(
                    conv_bn_relu(before + skip_width, width, kernel=3), conv_bn_relu(width, width, kernel=3)
                )
            )
            before = width
        self.out_channels = before

    def forward(self, features: list[Tensor]) -> Tensor:
        """Feature maps, the largest (B, C, h, w) first, each half of the one before -> (B, out_channels, h, w)."""
        *skips, smallest = features
        x: Tensor = self.bottom(smallest)
        for mix, skip in zip(self.mix, reversed(skips), strict=True):
            x = mix(torch.cat([F.interpolate(x, scale_factor=2, mode="nearest"), skip], dim=1))
        return x
