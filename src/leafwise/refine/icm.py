"""Iterated conditional modes (Besag 1986) of the MRF: all segments of a label map at once, in whole numbers."""

from fractions import Fraction
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray


def icm(labels: NDArray[np.int32], ratio: Fraction) -> NDArray[np.int64]:
    """Turn pixels over, in and out of each segment, until no single change lowers its energy any more.

    Pixels take turns as on a chessboard: first those whose row + column is even, all of them at once, then the
    others, and so on until a turn changes nothing. Two pixels of one colour are no neighbours, so each change
    lowers the energy as if it were made alone; hence the end. On a tie a pixel stays as it is.

    A pixel can only change where a neighbour of the other state is, and again only after a neighbour has left its
    side. So each turn looks at those pixels alone, and gives just what a look at all would.

    Args:
        labels: int32 (h, w), 0 = background, segments 1..n.
        ratio: data weight / smoothness weight.

    Returns:
        int64 (2, m): segment and pixel (row * w + column) of each change, in ascending order.

    >>> icm(np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]]), Fraction(7, 10))
    array([[1],
           [4]])
    """
    field = _Field(labels, ratio)
    outvoted = field.outvoted_at_first()
    even = field.is_even(outvoted)
    changed, waiting = field.turn_over(outvoted[:, even]), outvoted[:, ~even]
    changes = [changed]
    while changed.shape[1] or waiting.shape[1]:
        suspects = np.concatenate([waiting, field.deserted_by(changed)], axis=1)
        changed, waiting = field.turn_over(field.outvoted(suspects)), waiting[:, :0]
        changes.append(changed)
    return field.turned_among(np.concatenate(changes, axis=1))


class _Field:
    """What state each pixel has in each segment: the label map in a frame of one pixel, and who has turned over.

    A spin is a segment and a pixel of the framed map; spins are int64 (2, m), in no order.
    """

    def __init__(self, labels: NDArray[np.int32], ratio: Fraction) -> None:
        height, width = labels.shape
        framed = np.full((height + 2, width + 2), -1, np.int32)
        framed[1:-1, 1:-1] = labels
        self.labels = framed.reshape(-1)
        self.width = width + 2
        self.steps = np.array([[-self.width], [-1], [1], [self.width]])  # to the neighbours
        # zeros are not written: memory is taken up only where pixels turn over
        self.turned = np.zeros((int(labels.max(initial=0)) + 1) * self.labels.size, np.bool_)
        # with s the sum of the neighbours' states, 2 s + bias has the sign of s + ratio; 8 outvotes all of them
        self.bias = np.int8(min(floor(ratio) + ceil(ratio), 8))

    def outvoted_at_first(self) -> NDArray[np.int64]:
        """All spins to whose state the others object, before any change; some of them more than once.

        A pixel can leave its own segment, or join those of its neighbours.
        """
        pixels = self._on_borders()
        own, near = self.labels[pixels], self.labels[pixels + self.steps]  # (m,), (4, m)
        segments = np.concatenate([own[None], near])  # (5, m)
        members = (segments[:, None] == near).sum(1, dtype=np.int8)  # (5, 4, m) -> (5, m)
        observed = segments == own
        outvoted = np.flatnonzero(self._objections(near, members, observed, observed) & (segments > 0))
        return np.array([segments.reshape(-1)[outvoted], pixels[outvoted % len(pixels)]], np.int64)

    def outvoted(self, spins: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of the spins to whose state the others object."""
        segments, pixels = spins
        near = pixels + self.steps  # (4, m)
        members = self._states(segments, near).sum(0, dtype=np.int8)
        states, observed = self._states(segments, pixels), self.labels[pixels] == segments
        return spins[:, self._objections(self.labels[near], members, states, observed)]

    def turn_over(self, spins: NDArray[np.int64]) -> NDArray[np.int64]:
        """Change the state of these spins; returns each of them once."""
        keys = _distinct(self._keys(*spins))
        self.turned[keys] ^= True
        return np.array(np.divmod(keys, self.labels.size))

    def deserted_by(self, changed: NDArray[np.int64]) -> NDArray[np.int64]:
        """The neighbours of changed spins that have the state which these have left."""
        segments, pixels = changed
        near = pixels + self.steps  # (4, m)
        deserted = self._states(segments, near) != self._states(segments, pixels)
        chosen = np.flatnonzero(deserted & (self.labels[near] >= 0))
        return np.array([segments[chosen % len(segments)], near.reshape(-1)[chosen]])

    def is_even(self, spins: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether row + column of each spin is even."""
        rows, columns = np.divmod(spins[1], self.width)
        return np.asarray((rows + columns) % 2 == 0)

    def turned_among(self, spins: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those that are not as they were in the end, as segments and pixels of the map without its frame."""
        keys = self._keys(*spins)
        segments, pixels = np.divmod(_distinct(keys[self.turned[keys]]), self.labels.size)
        rows, columns = np.divmod(pixels, self.width)
        return np.array([segments, (rows - 1) * (self.width - 2) + columns - 1])

    def _on_borders(self) -> NDArray[np.int64]:
        """The pixels, not of the frame, that have a neighbour of another label, or the frame beside them."""
        differs = np.zeros(self.labels.size, np.bool_)
        for step in (1, self.width):
            border = self.labels[step:] != self.labels[:-step]
            differs[step:] |= border
            differs[:-step] |= border
        return np.flatnonzero(differs & (self.labels >= 0))

    def _objections(
        self,
        near: NDArray[np.int32],
        members: NDArray[np.int8],
        states: NDArray[np.bool_],
        observed: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:
        """Whether neighbours (labels (4, m), how many are members) and observation outvote states; a tie does not."""
        neighbours = (near >= 0).sum(0, dtype=np.int8)
        votes = 4 * members - 2 * neighbours + np.where(observed, self.bias, -self.bias)
        return np.asarray(np.where(states, votes < 0, votes > 0))

    def _states(self, segments: NDArray[np.int64], pixels: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.asarray((self.labels[pixels] == segments) ^ self.turned[self._keys(segments, pixels)])

    def _keys(self, segments: NDArray[np.int64], pixels: NDArray[np.int64]) -> NDArray[np.int64]:
        return segments * self.labels.size + pixels


def _distinct(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each value once, ascending, for values from 0; half the time of np.unique."""
    ordered = np.sort(keys)
    return ordered[np.diff(ordered, prepend=-1) > 0]
