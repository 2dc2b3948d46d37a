"""What the readers of all formats give: photos, and how the label map of each is made."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leafwise.datasets.roles import listed
from leafwise.errors import DatasetError
from leafwise.imaging import compact_labels, read_labels

_MOST_NAMES = 100  # in a message: COCO has 80 classes


@dataclass(frozen=True)
class AnnotatedPhoto:
    """A photo of a data set in another format.

    `labels_for` makes the label map, int32 (H, W), instances 1..n without gaps, for a photo of that shape
    (H, W). It raises a LeafwiseError where the annotation is damaged, missing, or of another size.
    """

    name: str  # of the pair to be written
    image: Path
    labels_for: Callable[[tuple[int, int]], NDArray[np.int32]]
    has_instances: bool = True  # False where the annotations are known to have none, and need not be made


def read_instance_map(path: Path, shape: tuple[int, int]) -> NDArray[np.int32]:
    """A map of instance numbers as the formats store it, int32 (H, W); DatasetError for another shape."""
    numbers = read_labels(path)
    check_shape(str(path), numbers.shape, shape)
    return numbers


def check_shape(where: str, shape: Sequence[int], photo_shape: Sequence[int]) -> None:
    """DatasetError where annotations are made for another size, (H, W), than the photo has when it is upright."""
    if tuple(shape) != tuple(photo_shape):
        raise DatasetError(
            f"{where}: annotated at {shape[1]} x {shape[0]} pixels, its photo has {photo_shape[1]} x "
            f"{photo_shape[0]} when upright; bring them to one size"
        )


def without_gaps(numbers: NDArray[np.int32]) -> NDArray[np.int32]:
    """Instances numbered 1..n in the order of their numbers, int32 (H, W)."""
    return compact_labels(numbers)[0]


def choose_classes(where: Path, wanted: Iterable[str], there: Sequence[str]) -> frozenset[str]:
    """The classes wanted, or all where none is named; DatasetError for one that is not there."""
    chosen = frozenset(wanted)
    unknown = sorted(chosen - set(there))
    if unknown:
        known = listed(there, most=_MOST_NAMES)
        raise DatasetError(f"{where}: no class {listed(unknown)}; choose from {known}")
    return chosen or frozenset(there)


def is_folder(path: Path) -> bool:
    """Whether `path` is a folder that may be looked at."""
    try:
        return path.is_dir()
    except OSError:
        return False
