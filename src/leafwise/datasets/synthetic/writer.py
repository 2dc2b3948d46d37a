"""A data set of synthetic plants on the disk: images/ and labels/ folders, as the readers take them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leafwise.config import from_dict, read_toml, to_toml
from leafwise.datasets.synthetic.plant import DEFAULT_HEIGHT, DEFAULT_WIDTH, check_request, draw_plant
from leafwise.errors import OutputError
from leafwise.imaging import output_error, write_image, write_labels, write_text

RECORD = "synthetic.toml"


@dataclass(frozen=True)
class PlantSet:
    """What determines every plant of a set but their number."""

    seed: int = 0
    height: int = DEFAULT_HEIGHT  # pixels
    width: int = DEFAULT_WIDTH  # pixels


def plant_seed(seed: int, index: int) -> int:
    """The seed of plant `index` (1, 2, ...) of the set `seed`; sets of neighbouring seeds share no plant.

    >>> plant_seed(0, 1) != plant_seed(0, 2) != plant_seed(1, 1)
    True
    """
    return int(np.random.SeedSequence(seed, spawn_key=(index,)).generate_state(1, np.uint64)[0])


def write_plants(folder: Path, count: int, plants: PlantSet | None = None) -> Iterator[bool]:
    """Write plants 1..count as `images/plant0001.png` and `labels/plant0001.png`; yields if each was drawn.

    A plant whose two files are there is skipped (False), so that a set that was interrupted goes on where it
    stopped; plant i is the same whatever `count` is. Raises SettingsError for a negative seed or a side under
    `MIN_SIDE`, and OutputError where the folder cannot be written or holds plants of another seed or size.
    """
    plants = plants or PlantSet()
    check_request(plants.seed, plants.height, plants.width)
    _open_set(folder, plants)
    for index in range(1, count + 1):
        image_path, label_path = (folder / kind / f"plant{index:04d}.png" for kind in ("images", "labels"))
        missing = not (image_path.is_file() and label_path.is_file())
        if missing:
            seed = plant_seed(plants.seed, index)
            image, labels = draw_plant(seed, height=plants.height, width=plants.width)
            write_labels(label_path, labels)
            write_image(image_path, image)
        yield missing


def _open_set(folder: Path, plants: PlantSet) -> None:
    record = folder / RECORD
    try:
        for kind in ("images", "labels"):
            (folder / kind).mkdir(parents=True, exist_ok=True)
        known = record.is_file()
    except OSError as error:
        raise output_error(folder, error) from error
    if not known:
        if any((folder / "images").iterdir()) or any((folder / "labels").iterdir()):
            raise OutputError(f"{folder}: holds photos already that are not from here; choose another folder")
        write_text(record, to_toml(plants))
        return
    there = from_dict(PlantSet, read_toml(record), where=str(record))
    if there != plants:
        raise OutputError(
            f"{folder}: holds plants of seed {there.seed}, {there.height} x {there.width} pixels; "
            "choose another folder, or the same seed and size"
        )
