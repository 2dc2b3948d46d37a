"""A picture for every step of one photo's way."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leafwise.errors import ImageError, OutputError
from leafwise.imaging import as_seen, cut_square, make_folder, read_image, write_image
from leafwise.plots import (
    draw_embedding,
    draw_labels,
    draw_overlay,
    draw_shares,
    draw_squares,
    enlarge,
    picture_grid,
    thumbnail,
)
from leafwise.segmenter import PlantTrace, Segmenter, Stage, Trace, fullest, trace_leaves

READABLE = 384  # pixels, the least side of a picture of one map
IN_SHEET = 192  # pixels, the least side of one of a sheet's segments
THUMBNAIL = 256  # pixels, side of a picture in explain.png
COLUMNS = 6  # of explain.png, at most
MOST_SHOWN = 24  # plants or tiles that have pictures of their own
_OF_A_PLANT = re.compile(r"plant\d+_\d+_\w+\.png")

Rgb = NDArray[np.uint8]  # (h, w, 3)


@dataclass(frozen=True)
class StepPicture:
    """A picture of one step."""

    name: str  # of its file
    shows: str  # in a few words
    image: Rgb
    main: bool = True  # whether explain.png shows it


def explain_photo(photo: Path, out: Path, segmenter: Segmenter) -> list[StepPicture]:
    """Segment a photo and write a picture of every step into a folder; `explain.png` shows the main ones together.

    Raises ImageError for a file that is no photo, or one without a plant; OutputError where `out` cannot be
    written, or holds pictures of another run that would stay there beside these.
    """
    image = read_image(photo)
    try:
        trace = trace_leaves(segmenter, image, MOST_SHOWN)
    except ImageError as error:
        raise ImageError(f"{photo}: {error}") from error
    if not trace.plants:
        raise ImageError(
            f"{photo}: no plant is seen in it, so there is nothing to explain; "
            "try a lower --set clustering.foreground_threshold, or another model"
        )
    pictures = draw_trace(as_seen(image, segmenter.settings.looks), trace)
    make_folder(out)
    _refuse_leftovers(photo, out, pictures)
    for picture in pictures:
        write_image(out / picture.name, picture.image)
    return pictures


def draw_trace(image: Rgb, trace: Trace) -> list[StepPicture]:
    """All pictures of a photo's way, `explain.png` first; the photo uint8 (H, W, 3) has at least one plant."""
    squares = draw_squares(image, trace.squares)
    shown = fullest(trace.plants, MOST_SHOWN)
    of_all = f", the {len(shown)} with most in them are shown" if len(shown) < len(trace.squares) else ""
    photo = StepPicture("photo_plants.png", f"squares looked at: {len(trace.squares)}{of_all}", squares)
    overlay = draw_overlay(image, trace.segmentation.labels)
    result = StepPicture("photo_overlay.png", f"leaves on the photo: {trace.segmentation.n_leaves}", overlay)
    digits = len(str(len(trace.squares)))
    ways: list[StepPicture] = []
    rows: list[list[StepPicture]] = []
    for plant in shown:
        way = _plant_pictures(plant, f"plant{plant.number:0{digits}}")
        own = plant.seen.plant or plant.number  # tiles of one plant have all of its leaves
        count = np.count_nonzero(trace.segmentation.plants == own)
        end = StepPicture(
            result.name,
            f"leaves of plant {own} on the photo: {count}",
            cut_square(overlay, plant.seen.square, READABLE),
        )
        ways += way
        rows += _wrapped([photo, *(picture for picture in way if picture.main), end])
    sheet = picture_grid(
        [[thumbnail(picture.image, THUMBNAIL) for picture in row] for row in rows],
        [[picture.shows for picture in row] for row in rows],
    )
    return [StepPicture("explain.png", "the main steps side by side", sheet), photo, *ways, result]


def _wrapped(row: list[StepPicture]) -> list[list[StepPicture]]:
    """The same pictures in as few rows as may be, all about as long."""
    n_rows = ceil(len(row) / COLUMNS)
    length = ceil(len(row) / n_rows)
    return [row[i : i + length] for i in range(0, len(row), length)]


def _plant_pictures(plant: PlantTrace, prefix: str) -> list[StepPicture]:
    """A plant's pictures in their order, which stands in their names."""
    pictures = [*_looks(plant), *(picture for stage in plant.stages for picture in _of_stage(plant, stage))]
    digits = len(str(len(pictures)))
    return [
        replace(picture, name=f"{prefix}_{number:0{digits}}_{picture.name}.png")
        for number, picture in enumerate(pictures, 1)
    ]


def _looks(plant: PlantTrace) -> Iterator[StepPicture]:
    """What the network sees, and what it says."""
    yield StepPicture("square", "the square that the network sees", enlarge(plant.view, READABLE))
    embedding = draw_embedding(plant.seen.embeddings, plant.inside)
    yield StepPicture("embedding", "embedding: 3 components as RGB", enlarge(embedding, READABLE))
    if plant.seen.foreground is not None:
        foreground = draw_shares(plant.seen.foreground)
        yield StepPicture("foreground", "probability of the foreground", enlarge(foreground, READABLE))


def _of_stage(plant: PlantTrace, stage: Stage) -> Iterator[StepPicture]:
    """The labels after a step, and before them what they were merged from."""
    if stage.segments is not None:
        first = 0 if plant.seen.foreground is None else 1
        likelihood, masks = (_sheet(maps, first) for maps in stage.segments)
        yield StepPicture("likelihood", "likelihood image of each segment", likelihood, main=False)
        yield StepPicture("masks", "ClusterNet's mask of each segment", masks, main=False)
    count = int(stage.leaves.labels.max(initial=0))
    labels = draw_labels(stage.leaves.labels, READABLE)
    yield StepPicture(stage.step, f"leaves after {stage.step}: {count}", labels)


def _sheet(maps: NDArray[np.float32], first: int) -> Rgb:
    """Maps (k, h, w) of segments numbered from `first` on, 0 the background, in a sheet about as wide as high."""
    pictures = [enlarge(draw_shares(one), IN_SHEET) for one in maps]
    names = [f"leaf {number}" if number else "background" for number in range(first, first + len(maps))]
    columns = ceil(sqrt(len(maps)))
    starts = range(0, len(maps), columns)
    return picture_grid([pictures[i : i + columns] for i in starts], [names[i : i + columns] for i in starts])


def _refuse_leftovers(photo: Path, out: Path, pictures: Sequence[StepPicture]) -> None:
    """Raise OutputError where a picture would replace the photo, or stand beside those of another run."""
    names = {picture.name for picture in pictures}
    if photo.resolve() in {(out / name).resolve() for name in names}:
        raise OutputError(f"{photo}: the photo itself would be written over; name another output folder")
    for path in sorted(out.iterdir()):
        if _OF_A_PLANT.fullmatch(path.name) and path.name not in names:
            raise OutputError(
                f"{path}: is of another run and would be mixed up with this one's pictures; "
                "name another output folder"
            )
