"""Time the losses, forward and backward, beside loops over instances and pairs; measure the edge term's memory.

Run: python benchmarks/bench_losses.py
"""

import resource
import sys
from collections.abc import Callable
from functools import partial
from time import perf_counter

import torch
from direct_losses import direct_edge, direct_terms
from torch import Tensor

from leafwise.losses import discriminative_terms, edge_term

MARGINS = {"pull_margin": 0.5, "push_margin": 1.5}
EDGE = {"hinge": 4.0, "n_pixels": 200}
Loss = Callable[[Tensor, Tensor], Tensor]


def draw_batch(rows: int, columns: int, *, batch: int, side: int = 224) -> tuple[Tensor, Tensor]:
    """Embeddings (batch, 32, side, side) and rows * columns touching rectangles: int64 (batch, side, side)."""
    down = torch.arange(side) * rows // side
    right = torch.arange(side) * columns // side
    labels = 1 + down[:, None] * columns + right
    embeddings = torch.randn((batch, 32, side, side), generator=torch.Generator().manual_seed(0)).mul_(0.3)
    return embeddings.requires_grad_(), labels.repeat(batch, 1, 1)


def forward_and_backward(loss: Loss, embeddings: Tensor, labels: Tensor) -> None:
    """One step of a training, without the network."""
    torch.autograd.grad(loss(embeddings, labels), embeddings)


def best_times_ms(losses: list[Loss], embeddings: Tensor, labels: Tensor, *, repeats: int) -> list[float]:
    """Shortest of several steps of each loss, taken in turn: what else the machine does meets all alike."""
    times: list[list[float]] = [[] for _ in losses]
    for _ in range(repeats):
        for loss, taken in zip(losses, times, strict=True):
            start = perf_counter()
            forward_and_backward(loss, embeddings, labels)
            taken.append(1000 * (perf_counter() - start))
    return [min(taken) for taken in times]


def peak_mb() -> float:
    """The most memory that this process has had so far."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def edge_memory_mb() -> float:
    """What a step of the edge term adds to the peak, with 60 instances, strips of an image with 448 pixels or more."""
    loss = partial(edge_term, background=False, **EDGE)
    forward_and_backward(loss, *draw_batch(1, 2, batch=1, side=16))  # what is loaded once
    embeddings, labels = draw_batch(60, 1, batch=1)
    before = peak_mb()
    forward_and_backward(loss, embeddings, labels)
    return peak_mb() - before


def main() -> None:
    """Print times, their ratios, and the memory."""
    torch.set_num_threads(1)
    memory = edge_memory_mb()  # before anything else has raised the peak
    embeddings, labels = draw_batch(4, 5, batch=5)
    cases: list[tuple[str, Loss, Loss]] = [
        (
            "discriminative terms",
            lambda x, y: sum(discriminative_terms(x, y, background=False, **MARGINS)),
            lambda x, y: sum(direct_terms(x, y, **MARGINS)),
        ),
        (
            "edge term",
            partial(edge_term, background=False, **EDGE),
            partial(direct_edge, **EDGE),
        ),
    ]
    print("5 images of 224 x 224, 20 instances, 32 channels, forward and backward on one thread:")
    for name, loss, direct in cases:
        fast, slow = best_times_ms([loss, direct], embeddings, labels, repeats=5)
        print(f"{name} {fast:.0f} ms, by loops {slow:.0f} ms: {slow / fast:.1f} times faster")
    whole = (60 * 200) ** 2 * 4 / 2**20
    print(
        f"edge term of 60 instances of 200 pixels: {memory:.0f} MB more at the peak; "
        f"all distances at once: {whole:.0f} MB"
    )


if __name__ == "__main__":
    main()
