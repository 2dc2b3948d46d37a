"""Plain folders: `images/` and `labels/`, paired by the files' stems."""

from pathlib import Path

from leafwise.datasets.pairs import GROUP_PATTERN, Pair, group_of
from leafwise.errors import DatasetError
from leafwise.imaging import is_image_file

IMAGES, LABELS = "images", "labels"
_LABEL_ENDING, _OVERLAY_ENDING = "_label", "_overlay"


def read_folders(folder: Path, *, group_pattern: str = GROUP_PATTERN) -> list[Pair]:
    """The pairs of `folder`/images and `folder`/labels, sorted by name, which is the stem.

    A label map may also be called `<stem>_label`, as `leafwise segment` writes it. A photo without label map is
    paired with the path where its label map should be, and the other way round. Raises DatasetError where two
    files have the same stem.
    """
    photos = _by_stem(folder / IMAGES)
    maps = _by_stem(folder / LABELS, ending=_LABEL_ENDING)
    pairs = []
    for name in sorted(photos | maps):
        image = photos.get(name, folder / IMAGES / f"{name}.png")
        labels = maps.get(name, folder / LABELS / f"{name}.png")
        pairs.append(Pair(name, image, labels, group_of(name, group_pattern)))
    return pairs


def _by_stem(folder: Path, *, ending: str = "") -> dict[str, Path]:
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if not is_image_file(path) or path.stem.endswith(_OVERLAY_ENDING):
            continue
        stem = path.stem.removesuffix(ending)
        if stem in files:
            raise DatasetError(f"{path}: the same name as {files[stem].name}; rename or remove one of them")
        files[stem] = path
    return files
