"""How the time of each step grows with the pixels that are looked at, and with the instances in them."""

from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.material import Material, Seen, draw_embeddings, rectangles, see, segmenter_of
from benchmarks.rows import Note, Result, Row
from benchmarks.stages.clustering import BASELINE, labels_by
from benchmarks.stages.losses import draw_batch, losses_by_name, one_step
from benchmarks.timing import shortest
from leafwise.config import RefineSettings, SegmentSettings
from leafwise.imaging import cut_square, read_image, whole_square
from leafwise.metrics import score_labels
from leafwise.refine import denoise
from leafwise.segmenter import SeenPlant

SIZES, QUICK_SIZES = (192, 256, 320, 384, 448, 512), (192, 384)
COUNTS, QUICK_COUNTS = (2, 5, 10, 20, 40, 80), (5, 20)
GRID = 96  # side of the drawn embeddings: about as many pixels as a plant's foreground has


def run(material: Material) -> Iterator[Result]:
    """Rows with `pixels` (of the input) or `instances` in their extras, a series each case."""
    sizes, counts = (QUICK_SIZES, QUICK_COUNTS) if material.quick else (SIZES, COUNTS)
    yield Note(
        "growth",
        "Clusterings on one core, as in the processes of a batch, the losses too; the network on all.",
    )
    for size in sizes:
        yield from _at_size(material, size)
    for count in counts:
        yield from _with_instances(material, count)


def _at_size(material: Material, size: int) -> Iterator[Result]:
    samples = material.few(1, 2)
    settings = segmenter_of(material.model).settings
    for name, function in _clusterings(settings).items():
        seen = see(samples, input_size=size)
        with threadpool_limits(1):
            times = [shortest([partial(function, one, settings)], repeats=3, limit=3)[0] for one in seen]
        yield _row(f"{name}, photos", float(np.mean(times)), pixels=size**2)
    photo = read_image(samples[0].pair.image)
    square = cut_square(photo, whole_square(*photo.shape[:2]), size)[None]
    model = segmenter_of(samples[0].model).model
    model.embed(square)
    (seconds,) = shortest([lambda: model.embed(square)], repeats=5, limit=3)
    yield _row("the embedding network", seconds, pixels=size**2)
    labels, refine = rectangles(20, size), RefineSettings()
    (seconds,) = shortest([lambda: denoise(labels, refine)], repeats=5, limit=2)
    yield _row("mrf, 20 instances", seconds, pixels=size**2)
    (seconds,) = shortest([lambda: score_labels(labels, labels)], repeats=5, limit=2)
    yield _row("metrics, 20 instances", seconds, pixels=size**2)


def _with_instances(material: Material, count: int) -> Iterator[Result]:
    settings = segmenter_of(material.model).settings
    embeddings, labels = draw_embeddings(count, side=GRID)
    square = whole_square(GRID, GRID)
    seen = Seen(SeenPlant(square, embeddings, np.ones((GRID, GRID), np.float32)), labels)
    for name, function in _clusterings(settings).items():
        with threadpool_limits(1):
            (seconds,) = shortest([partial(function, seen, settings)], repeats=3, limit=3)
        yield _row(f"{name}, {GRID} x {GRID}", seconds, instances=count)
    map_of_all, refine = rectangles(count, 224), RefineSettings()
    (seconds,) = shortest([lambda: denoise(map_of_all, refine)], repeats=5, limit=2)
    yield _row("mrf, 224 x 224", seconds, instances=count)
    (seconds,) = shortest([lambda: score_labels(map_of_all, map_of_all)], repeats=5, limit=2)
    yield _row("metrics, 224 x 224", seconds, instances=count)
    if find_spec("torch"):
        yield from _losses(count)


def _losses(count: int) -> Iterator[Result]:
    import torch

    embeddings, labels = draw_batch(count, batch=1)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        for name, loss in losses_by_name().items():
            (seconds,) = shortest([partial(one_step, loss, embeddings, labels)], repeats=3, limit=3)
            yield _row(f"{name}, 1 x 224 x 224", seconds, instances=count)
    finally:
        torch.set_num_threads(threads)


def _clusterings(settings: SegmentSettings) -> dict[str, Callable[..., object]]:
    """The model's own, and HDBSCAN."""
    return {
        name: partial(labels_by, name) for name in dict.fromkeys([settings.pipeline.clustering, BASELINE])
    }


def _row(case: str, seconds: float, **extras: int) -> Row:
    return Row("growth", case, seconds, extras={**extras})
