"""The losses, forward and backward, beside loops over instances and pairs; the edge term's memory."""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from benchmarks.material import Material, rectangles
from benchmarks.processes import peak_of
from benchmarks.rows import Note, Result, Row, Unavailable
from benchmarks.timing import shortest

if TYPE_CHECKING:
    from torch import Tensor

    Loss = Callable[[Tensor, Tensor], Tensor]  # embeddings (B, D, h, w), labels (B, h, w) -> a scalar

INSTANCES, BATCH, SIDE, CHANNELS = 20, 5, 224, 32
PULL_MARGIN, PUSH_MARGIN = 0.5, 1.5
HINGE, PIXELS = 4.0, 200  # of the edge term


def run(material: Material) -> Iterator[Result]:
    """Each term on one thread and on all, and how much memory the edge term takes of many instances."""
    if not find_spec("torch"):
        raise Unavailable("needs the extra train: pip install '.[train]'")
    import torch

    embeddings, labels = draw_batch(INSTANCES)
    loops = _loops()
    threads = torch.get_num_threads()
    try:
        for count in [1] if material.quick else sorted({1, threads}):
            torch.set_num_threads(count)
            for name, loss in losses_by_name().items():
                steps = [
                    partial(one_step, each, embeddings, labels) for each in (loss, *loops[name].values())
                ]
                fast, *slow = shortest(steps, repeats=2 if material.quick else 5)
                case = f"{name}, {INSTANCES} instances, {BATCH} x {SIDE} x {SIDE}, threads: {count}"
                for alternative, seconds in zip(loops[name], slow, strict=True):
                    yield Row("losses", case, fast, alternative, seconds)
    finally:
        torch.set_num_threads(threads)
    yield from _memory()


def _loops() -> "dict[str, dict[str, Loss]]":
    """What the losses stand beside: loss -> name of the loop -> the loop."""
    import torch

    from benchmarks.direct_losses import direct_edge, direct_terms, typical_edge, typical_terms

    margins = {"pull_margin": PULL_MARGIN, "push_margin": PUSH_MARGIN}
    careful, typical = "a careful loop (own pixels, cdist)", "a usual loop (masks over all, differences)"
    return {
        "discriminative terms": {
            careful: lambda x, y: torch.stack([*direct_terms(x, y, **margins)]).sum(),
            typical: lambda x, y: torch.stack([*typical_terms(x, y, **margins)]).sum(),
        },
        "edge term": {
            careful: partial(direct_edge, hinge=HINGE, n_pixels=PIXELS),
            typical: partial(typical_edge, hinge=HINGE, n_pixels=PIXELS),
        },
    }


def losses_by_name() -> "dict[str, Loss]":
    """The discriminative terms together, and the edge term, each unweighted."""
    import torch

    from leafwise.losses import discriminative_terms, edge_term

    return {
        "discriminative terms": lambda x, y: torch.stack(
            [*discriminative_terms(x, y, background=False, pull_margin=PULL_MARGIN, push_margin=PUSH_MARGIN)]
        ).sum(),
        "edge term": partial(edge_term, background=False, hinge=HINGE, n_pixels=PIXELS),
    }


def draw_batch(n_instances: int, *, batch: int = BATCH, side: int = SIDE) -> "tuple[Tensor, Tensor]":
    """Embeddings (batch, 32, side, side) and touching rectangles: int64 (batch, side, side).

    The embeddings lie in memory pixel by pixel, as a network gives them that is fed so (as in training).
    """
    import torch

    labels = torch.from_numpy(rectangles(n_instances, side)).long()
    drawn = torch.Generator().manual_seed(0)
    embeddings = torch.randn((batch, CHANNELS, side, side), generator=drawn).mul_(0.3)
    embeddings = embeddings.contiguous(memory_format=torch.channels_last)
    return embeddings.requires_grad_(), labels.repeat(batch, 1, 1)


def one_step(loss: "Loss", embeddings: "Tensor", labels: "Tensor") -> None:
    """Forward and backward, without the network."""
    import torch

    torch.autograd.grad(loss(embeddings, labels), embeddings)


def edge_memory_mb(n_instances: int) -> tuple[float, float]:
    """Seconds of a step of the edge term, and what it adds to this process's peak, in MB."""
    loss = losses_by_name()["edge term"]
    one_step(loss, *draw_batch(2, batch=1, side=16))  # what is loaded once
    embeddings, labels = draw_batch(n_instances, batch=1)
    _, before = peak_of(lambda: None)
    seconds, after = peak_of(partial(one_step, loss, embeddings, labels))
    return seconds, after - before


def _memory(n_instances: int = 60) -> Iterator[Result]:
    if not find_spec("resource"):
        yield Note("losses", "The edge term's memory is not measured on Windows.")
        return
    clean = multiprocessing.get_context("spawn")  # a process whose peak is low as yet
    with ProcessPoolExecutor(1, clean) as pool:
        seconds, memory = pool.submit(edge_memory_mb, n_instances).result()
    case = f"edge term, {n_instances} instances of {PIXELS} pixels, 1 x {SIDE} x {SIDE}"
    at_once = (n_instances * PIXELS) ** 2 * 4 / 2**20
    extras: dict[str, float | int | str] = {"more_mb": memory, "all_distances_mb": at_once}
    yield Row("losses", case, seconds, extras=extras)
