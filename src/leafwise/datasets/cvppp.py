"""CVPPP's leaf segmentation folders: `plantNNN_rgb.png` beside `plantNNN_label.png`, in A1 to A5 or alone."""

from pathlib import Path

from leafwise.datasets.pairs import GROUP_PATTERN, Pair, group_of
from leafwise.imaging import is_image_file

_PHOTO_ENDING, _LABEL_ENDING = "_rgb", "_label"
_PARTS = ("A1", "A2", "A3", "A4", "A5")


def cvppp_parts(folder: Path) -> list[Path]:
    """The folders with photos named as CVPPP names them, among `folder` and its sub-folders A1 to A5."""
    return [part for part in (folder, *(folder / name for name in _PARTS)) if _photos_of(part)]


def read_cvppp(folder: Path, *, prefix: str = "", group_pattern: str = GROUP_PATTERN) -> list[Pair]:
    """The pairs of one folder, sorted by name: `prefix` and the file's stem without `_rgb`.

    A photo without label map is paired with the path where its label map should be, and the other way round.
    """
    photos = _photos_of(folder)
    maps = _stems(folder, _LABEL_ENDING)
    pairs = []
    for stem in sorted(photos | maps):
        name = prefix + stem
        image = photos.get(stem, folder / f"{stem}{_PHOTO_ENDING}.png")
        labels = maps.get(stem, folder / f"{stem}{_LABEL_ENDING}.png")
        pairs.append(Pair(name, image, labels, group_of(name, group_pattern)))
    return pairs


def _photos_of(folder: Path) -> dict[str, Path]:
    return _stems(folder, _PHOTO_ENDING)


def _stems(folder: Path, ending: str) -> dict[str, Path]:
    if not folder.is_dir():
        return {}
    files = (path for path in sorted(folder.iterdir()) if is_image_file(path))
    return {path.stem.removesuffix(ending): path for path in files if path.stem.endswith(ending)}
