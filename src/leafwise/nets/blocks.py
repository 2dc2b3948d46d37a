"""Layers that the networks are built of."""

from torch import nn


def conv_relu_bn(before: int, after: int, *, kernel: int) -> nn.Sequential:
    """Convolution, ReLU, batch norm, in the order of the paper's embedding net."""
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, padding=kernel // 2), nn.ReLU(inplace=True), nn.BatchNorm2d(after)
    )


def conv_bn_relu(before: int, after: int, *, kernel: int) -> nn.Sequential:
    """Convolution, batch norm, ReLU, in the order of ClusterNet (paper, figure 4)."""
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )
