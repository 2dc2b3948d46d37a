"""Which files of the folders that a user names are photos."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from leafwise.errors import ImageError
from leafwise.imaging.read import IMAGE_SUFFIXES

_RESULT_ENDINGS = ("_label", "_overlay")  # of the stems of what leafwise writes beside a photo


def natural_key(name: str) -> tuple[tuple[str | int, ...], str]:
    """A sort key that puts numbers in order of value.

    >>> sorted(["leaf10", "leaf9", "Leaf1"], key=natural_key)
    ['Leaf1', 'leaf9', 'leaf10']
    """
    parts = re.split(r"(\d+)", name.casefold())
    return tuple(int(part) if i % 2 else part for i, part in enumerate(parts)), name


def is_image_file(path: Path) -> bool:
    """Whether `path` is a file that is not hidden and has the suffix of a picture."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()


def find_images(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """The photos that `paths` name: files as given, each folder's own pictures in natural order, none twice.

    Of a folder, hidden files and leafwise's own results (`*_label.*`, `*_overlay.*`) are left out; its
    sub-folders are not looked into. Raises ImageError for a path that does not exist, a folder without
    photos, and no path at all.
    """
    found: dict[Path, Path] = {}  # absolute path -> the path as it was given
    for path in map(Path, paths):
        for photo in _photos_of(path):
            found.setdefault(photo.resolve(), photo)
    if not found:
        raise ImageError("no photos named; give photos or folders of photos")
    return list(found.values())


def _photos_of(path: Path) -> list[Path]:
    try:
        if not path.is_dir():
            path.stat()
            return [path]
        photos = [
            p for p in path.iterdir() if is_image_file(p) and not p.stem.lower().endswith(_RESULT_ENDINGS)
        ]
    except FileNotFoundError as error:
        raise ImageError(f"{path}: no such file or folder; check the name") from error
    except OSError as error:
        raise ImageError(
            f"{path}: cannot be looked into ({error.strerror}); change its permissions"
        ) from error
    if not photos:
        raise ImageError(f"{path}: no photos in this folder; PNG, JPEG and TIFF files are looked for")
    return sorted(photos, key=lambda photo: natural_key(photo.name))
