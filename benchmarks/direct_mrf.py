"""The Markov random field of `leafwise.refine` as one writes it down first: plain loops over single pixels."""

from random import Random

import numpy as np
from numpy.typing import NDArray

from leafwise.config import RefineSettings


def observed(labels: NDArray[np.int32], segment: int) -> NDArray[np.int8]:
    """+1 in a segment, -1 elsewhere: int8 (h, w)."""
    return np.where(labels == segment, 1, -1).astype(np.int8)


def plain_sweeps(labels: NDArray[np.int32], segment: int, settings: RefineSettings) -> NDArray[np.int8]:
    """What iterated conditional modes do with one segment, one pixel after the other: its states, int8 (h, w)."""
    start = _in_a_frame(observed(labels, segment))
    states = [row[:] for row in start]
    data, smoothness = settings.mrf_data_weight, settings.mrf_smoothness_weight
    any_changed = True
    while any_changed:
        any_changed = False
        for parity in (0, 1):
            for row in range(1, labels.shape[0] + 1):
                above, here, below, seen = states[row - 1], states[row], states[row + 1], start[row]
                for column in range(1 + (row + 1 + parity) % 2, labels.shape[1] + 1, 2):
                    near = above[column] + below[column] + here[column - 1] + here[column + 1]
                    if (data * seen[column] + smoothness * near) * here[column] < 0:
                        here[column] = -here[column]
                        any_changed = True
    return np.array(states, np.int8)[1:-1, 1:-1]


def plain_random(labels: NDArray[np.int32], segment: int, settings: RefineSettings) -> NDArray[np.int8]:
    """The authors' variant: 10 * h * w updates of single pixels drawn at random."""
    height, width = labels.shape
    start = _in_a_frame(observed(labels, segment))
    states = [row[:] for row in start]
    data, smoothness = settings.mrf_data_weight, settings.mrf_smoothness_weight
    draw = Random(0).random
    for _ in range(10 * height * width):
        row, column = 1 + int(draw() * height), 1 + int(draw() * width)
        here = states[row]
        near = states[row - 1][column] + states[row + 1][column] + here[column - 1] + here[column + 1]
        if (data * start[row][column] + smoothness * near) * here[column] < 0:
            here[column] = -here[column]
    return np.array(states, np.int8)[1:-1, 1:-1]


def _in_a_frame(values: NDArray[np.int8]) -> list[list[int]]:
    """Lists of rows, with zeros around: what plain Python is fastest with."""
    framed: list[list[int]] = np.pad(values, 1).tolist()
    return framed
