"""The exact minimum of the MRF's energy: a minimum cut for each segment (Greig, Porteous and Seheult 1989)."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow


def min_cut(labels: NDArray[np.int32], ratio: Fraction) -> NDArray[np.int64]:
    """The state of lowest energy of each segment; of several such states, the one with the fewest pixels.

    Args:
        labels: int32 (h, w), 0 = background, segments 1..n.
        ratio: data weight / smoothness weight. Capacities are its numerator and denominator, so that the minimum
            is exact; they have to fit into int32, as do their sums over a segment's box.

    Returns:
        int64 (2, m): segment and pixel (row * w + column) of each change, in ascending order.

    >>> min_cut(np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]]), Fraction(7, 10))
    array([[1],
           [4]])
    """
    height, width = labels.shape
    changes = [np.zeros((2, 0), np.int64)]
    for segment, found in enumerate(find_objects(labels), start=1):
        if found is None:  # a gap in the numbers
            continue
        rows, columns = _reach(found[0], height, ratio), _reach(found[1], width, ratio)
        mask = labels[rows, columns] == segment
        down, right = np.nonzero(mask != _cut(mask, _edges(rows, columns, labels.shape), ratio))
        pixels = (down + rows.start) * width + right + columns.start
        changes.append(np.stack([np.full_like(pixels, segment), pixels]))
    return np.concatenate(changes, axis=1)


def _reach(found: slice, length: int, ratio: Fraction) -> slice:
    """The rows (or columns) that may be in a segment, once denoised, that was found in some of `length` rows.

    Beyond a side of its box a segment is nowhere observed. Take any state, and take what it has beyond the side
    out of it: that gains 2 data weights a pixel. Along each column (for a side above or below), one pair can
    begin to disagree, at the side, for 2 smoothness weights; where the column was not filled up to the image's
    edge, another pair ceases to. Between columns no pair begins to. So nothing is lost unless the gap to the
    image's edge is filled, and costs less in pixels than that one pair: gap * data < smoothness. Only then the box
    is taken to the edge.
    """
    start = 0 if found.start * ratio < 1 else found.start
    stop = length if (length - found.stop) * ratio < 1 else found.stop
    return slice(start, stop)


def _edges(rows: slice, columns: slice, shape: tuple[int, ...]) -> NDArray[np.int32]:
    """How many neighbours of each pixel of a box lie in the image but not in the box: int32 (a, b)."""
    outside = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.int32)
    outside[0] += rows.start > 0
    outside[-1] += rows.stop < shape[0]
    outside[:, 0] += columns.start > 0
    outside[:, -1] += columns.stop < shape[1]
    return outside


def _cut(mask: NDArray[np.bool_], outside: NDArray[np.int32], ratio: Fraction) -> NDArray[np.bool_]:
    """The best state of a box: bool (a, b), int32 (a, b) neighbours that are fixed at -1 -> bool (a, b).

    The source holds pixels in the segment, the sink holds them out; a cut pays half the energy it adds.
    """
    data, smoothness = ratio.numerator, ratio.denominator
    pull = np.where(mask, data, -data).ravel() - smoothness * outside.ravel()
    nodes = np.arange(1, mask.size + 1).reshape(mask.shape)
    source, sink = 0, mask.size + 1
    held_in, held_out = nodes.ravel()[pull > 0], nodes.ravel()[pull < 0]
    first = np.concatenate([nodes[:, :-1].ravel(), nodes[:-1].ravel()])
    second = np.concatenate([nodes[:, 1:].ravel(), nodes[1:].ravel()])
    tails = np.concatenate([first, second, np.full_like(held_in, source), held_out])
    heads = np.concatenate([second, first, held_in, np.full_like(held_out, sink)])
    capacities = np.concatenate([np.full(2 * len(first), smoothness), pull[pull > 0], -pull[pull < 0]])
    graph = csr_array(
        (capacities.astype(np.int32), (tails.astype(np.int32), heads.astype(np.int32))),
        shape=(sink + 1, sink + 1),
    )
    residual = (graph - maximum_flow(graph, source, sink).flow) > 0
    reached = np.zeros(sink + 1, np.bool_)
    reached[breadth_first_order(residual, source, return_predecessors=False)] = True
    return reached[1:-1].reshape(mask.shape)
