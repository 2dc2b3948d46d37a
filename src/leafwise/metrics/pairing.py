"""Which predicted label map belongs to which true one: by name, whatever method wrote them."""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from leafwise.errors import LabelMapError
from leafwise.imaging import is_image_file, natural_key

_LABEL_ENDING = re.compile(r"(?<=.)_(label|labels|mask|masks|cp_masks)$", re.IGNORECASE)
_ENDINGS = re.compile(r"(?<=.)(_(rgb|label|labels|mask|masks|cp_masks))+$", re.IGNORECASE)


@dataclass(frozen=True)
class LabelPair:
    """Two label maps of one image."""

    name: str
    prediction: Path
    truth: Path


@dataclass(frozen=True)
class Pairing:
    """The pairs found, sorted by name, and one line for each name without a pair."""

    pairs: tuple[LabelPair, ...]
    problems: tuple[str, ...]


def pair_name(path: Path) -> str:
    """Name of the image that a label map belongs to.

    It is the file's name without its type and without `_rgb`, `_label`, `_labels`, `_mask`, `_masks` and
    `_cp_masks` at its end, one or several, in small or capital letters.

    >>> [pair_name(Path(name)) for name in ("plant001_label.png", "plant001_rgb_label.png", "plant001.tif")]
    ['plant001', 'plant001', 'plant001']
    """
    return _ENDINGS.sub("", path.stem)


def pair_label_maps(predictions: Path, truth: Path) -> Pairing:
    """Pair the label maps of two folders by `pair_name`; each of the two may be a single file instead.

    In a folder where the name of any image ends in `_label`, `_labels`, `_mask`, `_masks` or `_cp_masks`,
    only such files are label maps: photos (`plant001_rgb.png`) and overlays beside them are left out. In any
    other folder all images are. A folder without images stands for the folder `labels` inside it. Two single
    files are a pair whatever their names; a single file beside a folder asks for its own pair only.

    Raises:
        LabelMapError: one of the two does not exist, cannot be listed or holds no label map.
    """
    if predictions.is_file() and truth.is_file():
        return Pairing((LabelPair(pair_name(truth), predictions, truth),), ())
    predicted, true = _by_name(predictions), _by_name(truth)
    names = {*predicted, *true}
    if predictions.is_file() or truth.is_file():
        names = set(predicted if predictions.is_file() else true)
    pairs, problems = [], []
    for name in sorted(names, key=natural_key):
        candidates, answers = predicted.get(name, []), true.get(name, [])
        if len(candidates) == len(answers) == 1:
            pairs.append(LabelPair(name, candidates[0], answers[0]))
        elif not candidates:
            problems.append(f"{answers[0]}: no prediction named {name} in {predictions}")
        elif not answers:
            problems.append(f"{candidates[0]}: no truth named {name} in {truth}")
        else:
            several = candidates if len(candidates) > 1 else answers
            problems.append(f"{several[1]}: means the same image as {several[0].name}; keep one of them")
    return Pairing(tuple(pairs), tuple(problems))


def _by_name(path: Path) -> dict[str, list[Path]]:
    groups: dict[str, list[Path]] = defaultdict(list)
    for file in _label_maps(path):
        groups[pair_name(file)].append(file)
    return dict(groups)


def _label_maps(path: Path) -> list[Path]:
    """The label maps of a folder, or the one file."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise LabelMapError(f"{path}: no such file or folder; give a label map or a folder of them")
    images = _images(path) or _images(path / "labels")
    if not images:
        raise LabelMapError(f"{path}: no label maps in this folder; PNG and TIFF files are looked for")
    return [file for file in images if _LABEL_ENDING.search(file.stem)] or images


def _images(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.iterdir() if is_image_file(file)) if folder.is_dir() else []
    except OSError as error:
        reason = f"cannot be looked into ({error.strerror}); change its permissions"
        raise LabelMapError(f"{folder}: {reason}") from error
