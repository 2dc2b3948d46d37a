"""The embedding network by onnxruntime, beside its own arithmetic, beside torch, and quantised to 8 bits."""

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from benchmarks.arithmetic import operations
from benchmarks.machine import matrix_rate
from benchmarks.material import Material, segmenter_of
from benchmarks.rows import Note, Result, Row
from benchmarks.timing import shortest
from leafwise.imaging import compact_labels, cut_square, read_image, whole_square
from leafwise.metrics import contingency_table
from leafwise.models import EMBEDDING_NAME, Model
from leafwise.models.session import open_session
from leafwise.segmenter import Segmenter

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

WEIGHTS_NAME = "weights.safetensors"
CALIBRATION = 8  # photos that the range of each activation is taken from


def run(material: Material) -> Iterator[Result]:
    """The model's network on squares of its own size; `seconds` are those of one square."""
    model = segmenter_of(material.model).model
    size = model.card.looks.input_size
    path = model.folder / EMBEDDING_NAME
    session = open_session(path, threads=0)
    squares = _squares(material, model, material.few(4, CALIBRATION))
    for batch in (1, 4):
        images = np.resize(squares, (batch, *squares.shape[1:]))
        times = _times(material, model, session, images)
        case = f"onnxruntime, {batch} x {size} x {size}"
        if find_spec("onnx"):
            flops = operations(path, (1, 3, size, size))
            share = operations(path, (1, 3, size, size), "encoder") / flops
            extras: dict[str, float | int | str] = {"gflop": flops / 1e9, "encoder_share": share}
            floor = flops / matrix_rate()
            own = times["onnxruntime"]
            yield Row("inference", case, own, "its arithmetic", floor, is_floor=True, extras=extras)
        for name, seconds in times.items():
            if name != "onnxruntime":
                yield Row("inference", case, times["onnxruntime"], name, seconds)
    if not find_spec("onnx"):
        yield Note(
            "inference",
            "The arithmetic, torch and 8 bits need the extra train: pip install '.[train]'.",
        )
    elif not material.quick:
        yield from _quantised(material, model, squares)


def _squares(material: Material, model: Model, samples: Sequence[Any]) -> NDArray[np.float32]:
    """Whole photos as the network takes them: float32 (n, 3, size, size)."""
    size = model.card.looks.input_size
    photos = [read_image(sample.pair.image) for sample in samples]
    squares = np.stack([cut_square(photo, whole_square(*photo.shape[:2]), size) for photo in photos])
    mean, std = (255 * np.asarray(x, np.float32) for x in (model.card.mean, model.card.std))
    return np.ascontiguousarray(((squares - mean) / std).transpose(0, 3, 1, 2), np.float32)


def _times(
    material: Material, model: Model, session: "InferenceSession", images: NDArray[np.float32]
) -> dict[str, float]:
    """Seconds an image of each way to run the network on a batch (B, 3, h, w), taken in turn."""
    runs: dict[str, Callable[[], object]] = {"onnxruntime": lambda: session.run(None, {"images": images})}
    if find_spec("torch") and (model.folder / WEIGHTS_NAME).is_file():
        runs |= _torch_runs(model, images)
    for function in runs.values():
        function()
    times = shortest(list(runs.values()), repeats=3 if material.quick else 10, limit=20)
    return {name: seconds / len(images) for name, seconds in zip(runs, times, strict=True)}


def _torch_runs(model: Model, images: NDArray[np.float32]) -> dict[str, Callable[[], object]]:
    from dataclasses import replace

    import torch

    from leafwise.nets import EmbeddingNet, load_weights

    net = EmbeddingNet(replace(model.card.net, encoder_weights="none")).eval()
    load_weights(net, model.folder / WEIGHTS_NAME)
    net = net.to(memory_format=torch.channels_last)
    batch = torch.from_numpy(images).to(memory_format=torch.channels_last)

    def forward(*, short: bool) -> None:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=short):
            net(batch)

    return {
        "torch, float32, channels last": partial(forward, short=False),
        "torch, bfloat16, channels last": partial(forward, short=True),
    }


def _quantised(material: Material, model: Model, squares: NDArray[np.float32]) -> Iterator[Result]:
    """Time of the network in 8 bits, and the share of the photo's pixels whose label it changes."""
    path = model.folder / EMBEDDING_NAME
    exact = open_session(path, threads=0)
    photos = [read_image(sample.pair.image) for sample in material.few(2, 6)]
    expected = [Segmenter(model).segment(photo).labels for photo in photos]
    for name, quantise in (("dynamic", _dynamic), ("static", _static)):
        small = material.scratch / f"{name}.onnx"
        try:
            logging.disable(logging.WARNING)  # advice on preparing the network, which changes nothing here
            quantise(_in_float32(path, material.scratch / "float32.onnx"), small, squares)
            logging.disable(logging.NOTSET)
            session = open_session(small, threads=0)
            run, run_exact = (partial(one.run, None, {"images": squares[:1]}) for one in (session, exact))
            seconds, before = shortest([run, run_exact], repeats=5, limit=10)
        except Exception as error:  # noqa: BLE001 not every release of onnxruntime takes every network
            yield Note(
                "inference", f"8 bits, {name}: onnxruntime cannot ({str(error).splitlines()[0][:200]})"
            )
            continue
        segmenter = Segmenter(Model(model.folder, model.card, session))
        changed = [
            changed_share(labels, segmenter.segment(photo).labels)
            for labels, photo in zip(expected, photos, strict=True)
        ]
        extras: dict[str, float | int | str] = {
            "changed_percent": 100 * float(np.mean(changed)),
            "photos": len(photos),
            "size_mb": small.stat().st_size / 1e6,
        }
        yield Row(
            "inference",
            f"onnxruntime, 8 bits, {name}",
            seconds,
            "onnxruntime, float32",
            before,
            extras=extras,
        )


def _in_float32(path: Path, out: Path) -> Path:
    """The network with its weights in float32, as the quantisers ask for them: the shipped file has them in float16."""
    import onnx

    program = onnx.load(path)
    weights = {one.name: one for one in program.graph.initializer}
    for node in [one for one in program.graph.node if one.op_type == "Cast" and one.input[0] in weights]:
        half = weights[node.input[0]]
        values = onnx.numpy_helper.to_array(half).astype(np.float32)
        half.CopyFrom(onnx.numpy_helper.from_array(values, node.output[0]))
        program.graph.node.remove(node)
    onnx.save(program, out)
    return out


def changed_share(labels: NDArray[np.int32], others: NDArray[np.int32]) -> float:
    """The share of pixels whose label is another, with the leaves of both paired so that it is least."""
    table = contingency_table(*(compact_labels(one)[0] for one in (labels, others)))
    pairs = linear_sum_assignment(table, maximize=True)
    return 1 - float(table[pairs].sum()) / labels.size


def _quietly(function: Callable[[], object]) -> None:
    """Without the advice to prepare a network first, which changes nothing here."""
    logging.disable(logging.WARNING)
    try:
        function()
    finally:
        logging.disable(logging.NOTSET)


def _dynamic(path: Path, small: Path, _: NDArray[np.float32]) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(path, small, weight_type=QuantType.QUInt8)


def _static(path: Path, small: Path, squares: NDArray[np.float32]) -> None:
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.waiting = iter(squares)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            square = next(self.waiting, None)
            return None if square is None else {"images": square[None]}

    quantize_static(
        path, small, Reader(), per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8
    )
