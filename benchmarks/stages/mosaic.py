"""A mosaic of many photos beside the photos one by one: whether a large photo costs leaves."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.material import Material, segmenter_of
from benchmarks.rows import Note, Result, Row
from benchmarks.timing import seconds_of
from leafwise.imaging import read_image, read_labels
from leafwise.metrics import score_labels
from leafwise.segmenter import Segmenter

SIDES, QUICK_SIDES = (2, 4, 8), (2,)  # photos along each side of the mosaics


def run(material: Material) -> Iterator[Result]:
    """Times and scores of mosaics cut into their photos again, and of the same photos alone."""
    segmenter = segmenter_of(material.model)
    pairs = [sample.pair for sample in material.samples]
    for side in QUICK_SIDES if material.quick else SIDES:
        photos = [read_image(pair.image) for pair in pairs[: side**2]]
        truths = [read_labels(pair.labels) for pair in pairs[: side**2]]
        if len(photos) < side**2:
            yield Note("mosaic", f"{side} x {side} photos are not measured: there are only {len(photos)}.")
            return
        yield from _compare(segmenter, photos, truths, side)
    yield Note(
        "mosaic",
        "Arrays in one process, no files; the mosaic's labels are cut into its photos and scored as those of the "
        "photos alone. Where the model has learnt from the photos, that says what a mosaic costs, not how good it is.",
    )


def _compare(
    segmenter: Segmenter, photos: Sequence[NDArray[np.uint8]], truths: Sequence[NDArray[np.int32]], side: int
) -> Iterator[Result]:
    height, width = (max(photo.shape[axis] for photo in photos) for axis in (0, 1))
    whole = np.full((side * height, side * width, 3), 40, np.uint8)
    corners = [(place // side * height, place % side * width) for place in range(len(photos))]
    for (top, left), photo in zip(corners, photos, strict=True):
        whole[top : top + photo.shape[0], left : left + photo.shape[1]] = photo
    found: dict[str, list[NDArray[np.int32]]] = {"together": [], "alone": []}

    def together() -> None:
        labels = segmenter.segment(whole).labels
        parts = zip(corners, photos, strict=True)
        found["together"] = [labels[t : t + one.shape[0], u : u + one.shape[1]] for (t, u), one in parts]

    def alone() -> None:
        found["alone"] = [segmenter.segment(photo).labels for photo in photos]

    seconds = {name: seconds_of(call) for name, call in (("together", together), ("alone", alone))}
    case = f"{side} x {side} photos, {whole.shape[0] * whole.shape[1] / 1e6:.1f} megapixels"
    joined, single = (_scores(truths, found[name]) for name in ("together", "alone"))
    beside = "the photos one by one"
    yield Row("mosaic", f"{case}, as one", seconds["together"], beside, seconds["alone"], extras=joined)
    yield Row("mosaic", f"{case}, one by one", seconds["alone"], extras=single)


def _scores(
    truths: Sequence[NDArray[np.int32]], found: Sequence[NDArray[np.int32]]
) -> dict[str, float | int | str]:
    scores = [score_labels(truth, labels) for truth, labels in zip(truths, found, strict=True)]
    return {
        "sbd": float(np.mean([score.sbd for score in scores])),
        "abs_dic": float(np.mean([abs(score.dic) for score in scores])),
        "leaves": sum(score.n_prediction for score in scores),
        "true_leaves": sum(score.n_truth for score in scores),
    }
