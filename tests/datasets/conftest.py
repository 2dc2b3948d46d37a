"""Small data sets on the disk."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from leafwise.imaging import write_image, write_labels

LEAVES = np.array([[0, 1, 1, 0], [2, 2, 0, 0], [0, 0, 5, 5]])


@pytest.fixture(scope="session")
def add_pair() -> Callable[..., None]:
    """Writes a photo, a label map, or both; None leaves one out."""

    def add(image: Path | None, labels: Path | None, values: np.ndarray = LEAVES, size=None) -> None:
        if image is not None:
            image.parent.mkdir(parents=True, exist_ok=True)
            write_image(image, np.full((*(size or values.shape), 3), 90, np.uint8))
        if labels is not None:
            labels.parent.mkdir(parents=True, exist_ok=True)
            write_labels(labels, values)

    return add
