"""Whole photos by their size, and by the number of plants in them: time and memory of `leafwise segment`."""

from collections.abc import Iterator
from math import ceil, sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.material import Material
from benchmarks.rows import Note, Result, Row
from benchmarks.stages.segment import segment_command
from leafwise.imaging import read_image

MEGAPIXELS, QUICK_MEGAPIXELS = (0.25, 1, 4, 16, 64, 100), (0.25, 1, 4)
PLANTS, QUICK_PLANTS = (1, 4, 9, 16), (1, 4)
FEW = 4  # plants in the photos that grow
MIDDLE = 4  # megapixels of the photos with more and more plants


def run(material: Material) -> Iterator[Result]:
    """Rows with `megapixels` or `plants` in their extras; start-up is a part of each."""
    sizes, counts = (QUICK_MEGAPIXELS, QUICK_PLANTS) if material.quick else (MEGAPIXELS, PLANTS)
    yield Note(
        "size", f"Mosaics of photos, JPEG, one a command, start-up included; {FEW} plants where pixels grow."
    )
    for megapixels in sizes:
        yield _measure(material, megapixels, FEW, f"{FEW} plants", "megapixels", megapixels)
    for count in counts:
        yield _measure(material, MIDDLE, count, f"{MIDDLE} megapixels", "plants", count)


def _measure(material: Material, megapixels: float, plants: int, case: str, axis: str, value: float) -> Row:
    path = material.scratch / f"by_{axis}_{value}.jpg"
    Image.fromarray(mosaic(material.photos(16), megapixels, plants)).save(path, quality=90)
    batch = segment_command(material, [path], path.stem)
    path.unlink()
    extras: dict[str, float | int | str] = {axis: value}
    if batch.peak_mb is not None:
        extras["peak_mb"] = batch.peak_mb
    return Row("size", f"a photo of {case}", batch.seconds, extras=extras)


def mosaic(photos: list[Path], megapixels: float, plants: int) -> NDArray[np.uint8]:
    """`plants` photos beside and below one another, scaled to so many pixels in all: uint8 (side, side, 3)."""
    rows = ceil(sqrt(plants))
    tile = int(sqrt(megapixels * 1e6) / rows)
    whole = np.full((rows * tile, rows * tile, 3), 40, np.uint8)
    for number in range(plants):
        photo = Image.fromarray(read_image(photos[number % len(photos)]))
        row, column = (place * tile for place in divmod(number, rows))
        scaled = photo.resize((tile, tile), Image.Resampling.BICUBIC)
        whole[row : row + tile, column : column + tile] = np.asarray(scaled)
    return whole
