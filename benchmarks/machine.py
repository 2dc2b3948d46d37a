"""What this machine is, and how fast it multiplies matrices."""

import os
import platform
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.timing import shortest

PACKAGES = (
    "leafwise",
    "numpy",
    "scipy",
    "onnxruntime",
    "hdbscan",
    "scikit-learn",
    "fast-hdbscan",
    "torch",
    "cellpose",
    "instanseg-torch",
    "stardist",
)
SIDE = 2048  # of the matrices multiplied
CHANNELS, IMAGE = 64, 192  # of the 3 x 3 convolution


def machine_facts() -> dict[str, Any]:
    """Processor, cores, memory, system, versions, rates and date."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": processor_name(),
        "cores": os.cpu_count() or 1,
        "memory_gb": _memory_gb(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": _versions(),
        "load_at_start": _load(),
        "gflops": {name: round(rate / 1e9, 1) for name, rate in rates().items()},
    }


def matrix_rate() -> float:
    """The highest rate of float32 matrix products that was measured, floating-point operations a second."""
    return max(rate for name, rate in rates().items() if "product" in name)


@lru_cache(maxsize=1)
def rates() -> dict[str, float]:
    """Floating-point operations a second on all cores, float32: matrix products, and a convolution as a network has."""
    one = np.random.default_rng(0).random((SIDE, SIDE), np.float32)
    flops = {"matrix product, numpy": 2.0 * SIDE**3}
    runs: list[Callable[[], object]] = [lambda: one @ one]
    if find_spec("onnx"):
        image = np.random.default_rng(0).random((1, CHANNELS, IMAGE, IMAGE), np.float32)
        kernel = np.random.default_rng(1).random((CHANNELS, CHANNELS, 3, 3), np.float32)
        flops["matrix product, onnxruntime"] = 2.0 * SIDE**3
        flops["convolution, onnxruntime"] = 2.0 * kernel.size * IMAGE**2
        runs += [_one_node("MatMul", one, one), _one_node("Conv", image, kernel, pads=[1, 1, 1, 1])]
    times = shortest(runs, repeats=10)
    return {name: work / taken for (name, work), taken in zip(flops.items(), times, strict=True)}


def _one_node(kind: str, data: Any, weights: Any, **attributes: Any) -> Callable[[], object]:
    """A network of one node, ready to run."""
    from onnx import TensorProto, helper, numpy_helper
    from onnxruntime import InferenceSession

    graph = helper.make_graph(
        [helper.make_node(kind, ["data", "weights"], ["result"], **attributes)],
        kind,
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, data.shape)],
        [helper.make_tensor_value_info("result", TensorProto.FLOAT, [None] * data.ndim)],
        [numpy_helper.from_array(weights, "weights")],
    )
    opset = helper.make_opsetid("", 20)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=9)
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"data": data})


def processor_name() -> str:
    """As the system calls it."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    if sys.platform == "darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return platform.processor() or platform.machine()


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None


def _load() -> float | None:
    """Processes that wanted to run in the last minute: more than a few tenths, and the times are not to be trusted."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
