"""How data sets lie on the disk: which files are photos, which label maps, and which belong together."""

from dataclasses import dataclass
from pathlib import Path

from leafwise.datasets.pairs import GROUP_PATTERN, Pair, group_of
from leafwise.errors import DatasetError
from leafwise.imaging import is_image_file

_OVERLAY_ENDING = "_overlay"  # of the pictures that leafwise writes beside its label maps


@dataclass(frozen=True)
class Layout:
    """The sub-folders of photos and label maps, and what their stems may have after the pair's name.

    Of several endings the longest comes first; the last is the usual one.
    """

    images: str
    labels: str
    image_endings: tuple[str, ...]
    label_endings: tuple[str, ...]


CVPPP = Layout(".", ".", ("_rgb",), ("_label",))
FOLDERS = Layout("images", "labels", ("",), ("_label", ""))


def has_photos(folder: Path, layout: Layout) -> bool:
    """Whether `folder` holds both sub-folders of the layout, and a photo in the right one."""
    is_there = (folder / layout.images).is_dir() and (folder / layout.labels).is_dir()
    return is_there and bool(_files(folder / layout.images, layout.image_endings))


def read_layout(
    folder: Path, layout: Layout, *, prefix: str = "", group_pattern: str = GROUP_PATTERN
) -> list[Pair]:
    """The pairs of one folder, sorted by name, which is `prefix` and the stem without its ending.

    A photo without label map is paired with the path where its label map should be, and the other way round.
    Raises DatasetError where two files would be the same photo or label map.
    """
    photos = _files(folder / layout.images, layout.image_endings)
    maps = _files(folder / layout.labels, layout.label_endings)
    pairs = []
    for stem in sorted(photos | maps):
        image = photos.get(stem, folder / layout.images / f"{stem}{layout.image_endings[-1]}.png")
        labels = maps.get(stem, folder / layout.labels / f"{stem}{layout.label_endings[-1]}.png")
        pairs.append(Pair(prefix + stem, image, labels, group_of(prefix + stem, group_pattern)))
    return pairs


def _files(folder: Path, endings: tuple[str, ...]) -> dict[str, Path]:
    """The pictures whose stem has one of the endings, by their stem without it."""
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        ending = next((ending for ending in endings if path.stem.endswith(ending)), None)
        if ending is None or path.stem.endswith(_OVERLAY_ENDING) or not is_image_file(path):
            continue
        stem = path.stem.removesuffix(ending)
        if stem in files:
            raise DatasetError(f"{path}: {files[stem].name} has the same name; rename or remove one of them")
        files[stem] = path
    return files
