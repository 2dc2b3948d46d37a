"""ClusterNet in the paper's width and narrower ones, each beside its own arithmetic at the machine's matrix rate."""

from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np

from benchmarks.arithmetic import operations
from benchmarks.machine import matrix_rate
from benchmarks.material import Material
from benchmarks.rows import Result, Row, Unavailable
from benchmarks.timing import shortest
from leafwise.models import ClusterNetwork

PAPER_WIDTH, SIDE, SEGMENTS = 64, 224, 4
NARROW, QUICK_NARROW = (16, 8, 4), (8,)


def run(material: Material) -> Iterator[Result]:
    """A row for each width, the time that of one segment."""
    if not find_spec("torch"):
        raise Unavailable("needs the extra train: pip install '.[train]'")
    from leafwise.nets import ClusterNet, export_cluster_net

    likelihood = np.random.default_rng(0).random((SEGMENTS, SIDE, SIDE), np.float32)
    paper_seconds = None
    for width in (PAPER_WIDTH, *(QUICK_NARROW if material.quick else NARROW)):
        path = material.scratch / f"width{width}.onnx"
        export_cluster_net(ClusterNet(width), path)
        network = ClusterNetwork(path)
        network.masks(likelihood[:1])
        (seconds,) = shortest([lambda: network.masks(likelihood)], repeats=3)  # noqa: B023
        seconds /= SEGMENTS
        flops = operations(path, (1, 1, SIDE, SIDE))
        case = f"width {width}, a segment of {SIDE} x {SIDE}"
        extras: dict[str, float | int | str] = {"gflop": flops / 1e9}
        yield Row(
            "cluster_net",
            case,
            seconds,
            "its arithmetic",
            flops / matrix_rate(),
            is_floor=True,
            extras=extras,
        )
        paper_seconds = paper_seconds or seconds
        if width != PAPER_WIDTH:
            yield Row("cluster_net", case, seconds, f"width {PAPER_WIDTH}, the paper's", paper_seconds)
