"""What the network said of a plant: where every pipeline starts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leafwise.imaging import Square


@dataclass(frozen=True)
class SeenPlant:
    """What the network said of a plant's square."""

    square: Square
    embeddings: NDArray[np.float32]  # (D, h, w)
    foreground: NDArray[np.float32] | None  # (h, w), probability, 0 outside the plant's own part
    plant: int = 0  # its looks and tiles follow each other with the same number; 0: this is all of it
    turn: int = 0  # of `imaging.turn`, in which it was seen and from which it is turned back; 0: as it is

    def inside(self, threshold: float) -> NDArray[np.bool_] | None:
        """The pixels of the plant, bool (h, w); None where the network says nothing of a foreground."""
        return None if self.foreground is None else self.foreground > threshold
