"""Sheets of photos, truth and what was found: how good a pipeline is, seen by eye."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.optimize import linear_sum_assignment

from leafwise.datasets import Pair
from leafwise.evaluation.scoring import Candidate, leaves_of
from leafwise.imaging import as_seen, compact_labels, read_image, read_labels
from leafwise.metrics import contingency_table, score_labels
from leafwise.models import Model
from leafwise.plots import color_labels, picture_grid
from leafwise.segmenter import Segmenter

WORST = 5  # photos drawn, where the worst are
MAX_WIDTH = 2400  # pixels of a sheet
MAX_CELL = 400  # pixels, width of a picture where a sheet has few columns
SPACE = 4  # pixels, that the grid needs beside each picture and at its edge
HIGHEST = 1.5  # of a picture's width: what is higher is made narrower
GROUND = (32, 32, 32)


@dataclass(frozen=True)
class Cell:
    """A picture of a sheet: a photo uint8 (H, W, 3), or a label map, integers (H, W), drawn in colours."""

    caption: str
    content: NDArray[np.integer]


def draw_sheet(rows: Sequence[Sequence[Cell]]) -> NDArray[np.uint8]:
    """Pictures of any sizes in rows, scaled to one width: uint8 (H, W, 3), W at most MAX_WIDTH."""
    columns = max(len(row) for row in rows)
    width = min(MAX_CELL, (MAX_WIDTH - SPACE) // columns - SPACE)
    shares = [cell.content.shape[0] / cell.content.shape[1] for row in rows for cell in row]
    height = max(round(width * min(max(shares), HIGHEST)), 1)
    pictures = [[_fitted(cell.content, height, width) for cell in row] for row in rows]
    return picture_grid(pictures, [[cell.caption for cell in row] for row in rows])


def draw_found(pairs: Sequence[Pair], model: Model, candidates: Sequence[Candidate]) -> NDArray[np.uint8]:
    """A sheet of the `found_cells` of photos."""
    return draw_sheet(found_cells(pairs, model, candidates))


def found_cells(pairs: Sequence[Pair], model: Model, candidates: Sequence[Candidate]) -> list[list[Cell]]:
    """A row for each photo: itself, its truth, and its leaves by each candidate, with their SBD in the caption."""
    segmenter = Segmenter(model, candidates[0].settings)
    rows = []
    for pair in pairs:
        photo, truth = read_image(pair.image), compact_labels(read_labels(pair.labels))[0]
        seen = segmenter.look(photo)
        row = [
            Cell(pair.name, as_seen(photo, segmenter.settings.looks)),
            Cell(f"truth, {truth.max()} leaves", truth),
        ]
        starts: dict[object, list[NDArray[np.int32]]] = {}
        for candidate in candidates:
            found = leaves_of(seen, truth, candidate, model.cluster_network, starts).labels
            caption = f"SBD {score_labels(truth, found).sbd:.1f} {candidate.pipeline}"
            row.append(Cell(caption, numbered_like(truth, found)))
        rows.append(row)
    return rows


def numbered_like(truth: NDArray[np.int32], found: NDArray[np.int32]) -> NDArray[np.int32]:
    """A label map under the numbers, and so in the colours, of the true leaves that its own fit best.

    Each true leaf gives its number to one leaf at most, so that the sum of their Dice scores is the highest;
    leaves that are left over get numbers that no true leaf has. Both label maps are int32 (h, w); `truth` has no
    gaps in its numbers.

    >>> numbered_like(np.array([[1, 1, 2, 2]], np.int32), np.array([[2, 3, 1, 1]], np.int32))
    array([[1, 5, 2, 2]], dtype=int32)
    """
    found = compact_labels(found)[0]
    shared = contingency_table(truth, found)
    areas = shared.sum(1)[1:, None] + shared.sum(0)[1:]
    dice = 2 * shared[1:, 1:] / areas  # (n_truth, n_found)
    of_truth, of_found = linear_sum_assignment(dice, maximize=True)
    fits = dice[of_truth, of_found] > 0
    numbers = np.arange(shared.shape[1], dtype=np.int32)
    numbers[1:] += shared.shape[0] - 1
    numbers[of_found[fits] + 1] = of_truth[fits] + 1
    return numbers[found]


def _fitted(content: NDArray[np.integer], height: int, width: int) -> NDArray[np.uint8]:
    """A photo or label map as a picture in the middle of (height, width, 3), as large as fits."""
    labels = content.ndim == 2
    picture = Image.fromarray(color_labels(content) if labels else content.astype(np.uint8))
    scale = min(height / picture.height, width / picture.width)
    size = max(int(picture.width * scale), 1), max(int(picture.height * scale), 1)
    how = Image.Resampling.NEAREST if labels else Image.Resampling.BILINEAR
    canvas = Image.new("RGB", (width, height), GROUND)
    canvas.paste(picture.resize(size, how), ((width - size[0]) // 2, (height - size[1]) // 2))
    return np.array(canvas)
