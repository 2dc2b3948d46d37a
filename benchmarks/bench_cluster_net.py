"""Time ClusterNet in the paper's width beside its own arithmetic at the machine's matrix rate, and narrower ones.

Run: python benchmarks/bench_cluster_net.py
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import torch
from torch import nn

from leafwise.models import ClusterNetwork
from leafwise.nets import ClusterNet, export_cluster_net

PAPER_WIDTH, SIDE, SEGMENTS = 64, 224, 4
NARROW = (16, 8, 4)


def best_time(function: Callable[[], object], *, repeats: int) -> float:
    """Shortest of several runs, in seconds."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        function()
        times.append(perf_counter() - start)
    return min(times)


def matrix_rate(size: int = 2048) -> float:
    """Floating-point operations a second of a float32 matrix product by numpy on all cores."""
    one = np.random.default_rng(0).random((size, size), np.float32)
    return 2 * size**3 / best_time(lambda: one @ one, repeats=5)


def operations(width: int) -> int:
    """Floating-point operations of all convolutions of one image: two for each product and sum."""
    net, total = ClusterNet(width).eval().to("meta"), 0

    def count(module: nn.Module, _: object, output: torch.Tensor) -> None:
        nonlocal total
        total += 2 * module.weight[0].numel() * output.numel()

    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(count)
    net(torch.zeros(1, 1, SIDE, SIDE, device="meta"))
    return total


def main() -> None:
    """Print the rate, and for each width the time of a segment, its arithmetic's time and their ratio."""
    rate = matrix_rate()
    print(f"float32 matrix products of 2048 x 2048: {rate / 1e9:.0f} GFLOP/s")
    likelihood = np.random.default_rng(0).random((SEGMENTS, SIDE, SIDE), np.float32)
    times = {}
    with TemporaryDirectory() as folder:
        for width in (PAPER_WIDTH, *NARROW):
            path = Path(folder) / f"width{width}.onnx"
            export_cluster_net(ClusterNet(width), path)
            network = ClusterNetwork(path)
            network.masks(likelihood[:1])
            times[width] = best_time(lambda: network.masks(likelihood), repeats=3) / SEGMENTS  # noqa: B023
            floor = operations(width) / rate
            print(
                f"width {width:2}: {1000 * times[width]:7.1f} ms a segment of {SIDE} x {SIDE}, "
                f"{operations(width) / 1e9:6.2f} GFLOP, {times[width] / floor:.2f} times its arithmetic's time, "
                f"{operations(PAPER_WIDTH) / operations(width):.0f} times lighter than the paper's, "
                f"{times[PAPER_WIDTH] / times[width]:.0f} times faster"
            )


if __name__ == "__main__":
    main()
