"""A training step of the embedding network on the CPU, beside PyTorch and timm by themselves."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from importlib.util import find_spec

from benchmarks.material import Material
from benchmarks.rows import Result, Row, Unavailable
from benchmarks.timing import seconds_of

BATCH = 2
ROUNDS = 3  # the two ways take turns


def run(material: Material) -> Iterator[Result]:
    """Forward and backward at growing sizes, no loss, then Muon's part: one thread, the best number format."""
    if not find_spec("torch"):
        raise Unavailable("needs the extra train: pip install '.[train]'")
    from leafwise.training.precision import best_precision

    precision = best_precision("cpu")
    clean = multiprocessing.get_context("spawn")  # how a process treats its memory is settled once
    for size in [256] if material.quick else [256, 384, 448]:
        ours: list[float] = []
        alone: list[float] = []
        for _ in range(1 if material.quick else ROUNDS):
            for times, is_ours in ((ours, True), (alone, False)):
                with ProcessPoolExecutor(1, clean) as pool:
                    times.append(pool.submit(step_seconds, size, precision, is_ours=is_ours).result())
        case = f"step of {BATCH} views of {size} x {size}, {precision}, threads: 1"
        yield Row("training", case, min(ours), "PyTorch by itself", min(alone))
    with ProcessPoolExecutor(1, clean) as pool:
        ours_muon, timms = pool.map(muon_seconds, (True, False))
    yield Row("training", "Muon's part of a step, threads: 1", ours_muon, "timm's by itself", timms)


def step_seconds(size: int, precision: str, *, is_ours: bool) -> float:
    """The shortest of some steps, in this process."""
    import torch

    from leafwise.config import NetSettings
    from leafwise.nets import EmbeddingNet
    from leafwise.training.cpu import fast_layout, keep_memory, strided_in_float32

    torch.set_num_threads(1)
    if is_ours:
        keep_memory()
    net = EmbeddingNet(NetSettings(encoder_weights="none"))
    images = torch.rand(BATCH, 3, size, size)
    as_advised = images.contiguous(memory_format=torch.channels_last)  # by PyTorch's own guide to tuning

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed"):
            outputs = net(fast_layout(images) if is_ours else as_advised)
        assert outputs.foreground is not None  # noqa: S101
        (outputs.embeddings.float().square().mean() + outputs.foreground.float().mean()).backward()

    with strided_in_float32(net) if is_ours else nullcontext():
        return min([seconds_of(step) for _ in range(6)][1:])


def muon_seconds(is_ours: bool) -> float:  # noqa: FBT001
    """The shortest of some steps of the optimiser, all gradients at hand, in this process."""
    import torch
    from timm.optim import muon

    from leafwise.config import NetSettings
    from leafwise.nets import EmbeddingNet
    from leafwise.training.optimizers import Muon

    torch.set_num_threads(1)
    parameters = list(EmbeddingNet(NetSettings(encoder_weights="none")).parameters())
    for parameter in parameters:
        parameter.grad = torch.rand_like(parameter)
    optimizer = (Muon if is_ours else muon.Muon)(parameters)
    return min([seconds_of(optimizer.step) for _ in range(4)][1:])
