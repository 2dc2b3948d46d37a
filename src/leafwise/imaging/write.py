"""Results on the disk, whole or not at all."""

import errno
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from leafwise.errors import ImageError, LabelMapError, OutputError
from leafwise.imaging.read import check_range

_COMPRESSION_LEVEL = 2  # of 9: photos are as small as at 3, sooner; from 4 on zlib takes half as long again
_TIFF_SUFFIXES = (".tif", ".tiff")
_JPEG_SUFFIXES = (".jpg", ".jpeg")
_TEMPORARY = re.compile(r"\.[0-9a-f]{32}\.tmp(\.[^.]*)?")
_REASONS = {
    errno.ENOSPC: "no space left on the disk; free some, or choose another folder",
    errno.EDQUOT: "the disk quota is used up; free some space, or choose another folder",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.EACCES: "no permission to write there; choose another folder",
    errno.EPERM: "no permission to write there; choose another folder",
    errno.EISDIR: "a folder of that name is in the way; remove it, or choose another name",
    errno.ENOENT: "its folder does not exist; create it",
    errno.ENOTDIR: "a file stands where its folder should be; choose another folder",
    errno.ENAMETOOLONG: "the name is too long for this file system; choose a shorter one",
}


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path in the same folder, with the same suffix, to write to; on success it becomes `path`.

    On failure, Ctrl-C too, it is removed: whoever looks at `path` sees the old file or the whole new one, after a
    power cut, too. An OSError in the block becomes an OutputError.
    """
    path = Path(path)
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp{path.suffix}")
    try:
        yield temporary
        _to_disk(temporary)
        temporary.replace(path)
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        with suppress(OSError):  # where the folder is gone or read-only, an error says so already
            temporary.unlink(missing_ok=True)


def _to_disk(file: Path) -> None:
    """Wait until a file's content is on the disk: a system may keep a renaming that follows, and lose the content."""
    descriptor = os.open(file, os.O_RDWR if os.name == "nt" else os.O_RDONLY)  # Windows wants one to write to
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_temporary(path: Path) -> bool:
    """Whether a file is one that `atomic_path` made, by its name: where it stays, its process was killed.

    >>> is_temporary(Path(".0123456789abcdef0123456789abcdef.tmp.json")), is_temporary(Path("scan.tmp.json"))
    (True, False)
    """
    return _TEMPORARY.fullmatch(path.name) is not None


def output_error(path: str | os.PathLike[str], error: OSError) -> OutputError:
    """The line that says why `path` cannot be written, and what to do."""
    fallback = f"{error.strerror or error}; choose another folder"
    return OutputError(f"{path}: cannot be written: {_REASONS.get(error.errno or 0, fallback)}")


def make_folder(path: str | os.PathLike[str]) -> None:
    """Make a folder, and those above it, where it is not there. Raises OutputError where that fails."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OutputError(
            f"{path}: a file stands where this folder should be; choose another name"
        ) from error
    except OSError as error:
        raise output_error(path, error) from error


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` as UTF-8, atomically; OutputError where that fails."""
    with atomic_path(path) as temporary:
        try:
            temporary.write_text(text, encoding="utf-8", newline="\n")
        except UnicodeEncodeError as error:
            raise OutputError(
                f"{path}: cannot be written: it would name a file or folder whose name is not UTF-8; rename that"
            ) from error


def write_image(path: str | os.PathLike[str], image: NDArray[np.uint8]) -> None:
    """Write uint8 (H, W, 3) RGB as PNG, JPEG or TIFF, by the suffix of `path`, atomically.

    Raises ImageError for an array of another kind, OutputError for another suffix or where writing fails.
    """
    path = Path(path)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ImageError(f"{path}: an image is uint8 (h, w, 3), this one is {image.dtype} {image.shape}")
    _check_suffix(path, (".png", *_JPEG_SUFFIXES, *_TIFF_SUFFIXES))
    with atomic_path(path) as temporary:
        temporary.write_bytes(_encoded(image, path.suffix.lower(), "rgb").getbuffer())


def write_labels(path: str | os.PathLike[str], labels: NDArray[Any]) -> Path:
    """Write labels, any integers (H, W), as 16-bit PNG, or past 65,535 as 32-bit TIFF, atomically.

    Returns the path written: `path`, or the same with suffix .tif where a PNG cannot hold the labels. A
    `path` that ends in .tif or .tiff gets a TIFF in any case.

    Raises LabelMapError for an array of another kind and for labels below 0 or past 2,147,483,647,
    OutputError for another suffix or where writing fails.
    """
    path = Path(path)
    if labels.dtype.kind not in "iub" or labels.ndim != 2 or 0 in labels.shape:
        kind = f"{labels.dtype} {labels.shape}"
        raise LabelMapError(f"{path}: a label map is integers (h, w), this one is {kind}")
    check_range(path, labels)
    _check_suffix(path, (".png", *_TIFF_SUFFIXES))
    fits = labels.max() <= np.iinfo(np.uint16).max
    if not fits and path.suffix.lower() == ".png":
        path = path.with_suffix(".tif")
    values = labels.astype(np.uint16 if fits else np.uint32)
    with atomic_path(path) as temporary:
        temporary.write_bytes(_encoded(values, path.suffix.lower(), "minisblack").getbuffer())
    return path


def _encoded(samples: NDArray[Any], suffix: str, photometric: str) -> BytesIO:
    """The file's bytes, in memory: encoders that write by themselves lose the reason of a failure."""
    file = BytesIO()
    if suffix in _TIFF_SUFFIXES:
        level = {"level": _COMPRESSION_LEVEL}
        tifffile.imwrite(
            file, samples, photometric=photometric, compression="zlib", compressionargs=level, metadata=None
        )
    elif suffix in _JPEG_SUFFIXES:
        Image.fromarray(samples).save(file, format="JPEG", quality=92)
    else:
        Image.fromarray(samples).save(file, format="PNG", compress_level=_COMPRESSION_LEVEL)
    return file


def _check_suffix(path: Path, suffixes: tuple[str, ...]) -> None:
    if path.suffix.lower() not in suffixes:
        raise OutputError(f"{path}: no format goes with the suffix {path.suffix!r}; use {suffixes[0]}")
