"""Photos and label maps from PNG, JPEG and TIFF files."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from leafwise.errors import ImageError, LabelMapError
from leafwise.imaging.decode import Picture, decode, upright

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff"})
MAX_PIXELS = 200_000_000  # height times width by the file's header: the guard against decompression bombs
STRIP = 1 << 22  # pixels brought to 8 bits at a time: bounds the memory of large photos
CAMERA_BITS = (8, 10, 12, 14, 16)
HOT = 1e-4  # of the pixels: as many may be brighter than the camera's depth says, and are white
MAX_LABEL = int(np.iinfo(np.int32).max)
_LABEL_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA"})  # of Pillow


def read_image(path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """A photo as uint8 (H, W, 3), RGB, upright.

    Takes PNG, JPEG and TIFF: grey, RGB, palette, CMYK, black and white. Alpha is dropped, the orientation
    tag is followed. Of 16 bits the upper 8 are kept, in grey photos the upper 8 of the 8, 10, 12, 14 or 16 that all
    but 0.01 % of their pixels need; floating-point samples must lie in 0..1; 1 becomes 255.

    Raises ImageError for a file that is missing, no picture, damaged, cut short (never half a photo), a
    stack of several, or of more than `max_pixels` pixels, as its header tells before anything is decoded.
    """
    path = Path(path)
    picture = decode(path, max_pixels=max_pixels, error=ImageError)
    if isinstance(picture.content, Image.Image):
        rgb = _pillow_rgb(path, picture.content)
    else:
        rgb = _samples_rgb(path, picture.content)
    return upright(255 - rgb if picture.white_is_zero else rgb, picture.orientation)


def read_labels(path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS) -> NDArray[np.int32]:
    """A label map as int32 (H, W), upright: 0 is the background, values keep their gaps.

    Takes PNG and TIFF: palette (the index is the label), grey of 1 to 64 bits (2 and 4 are stretched to
    0..255, as other readers do), floating point with whole numbers; colour only where the channels are
    equal. Alpha is ignored.

    Raises LabelMapError for any other file, for labels below 0 or past 2,147,483,647, and wherever
    `read_image` raises ImageError.
    """
    path = Path(path)
    picture = decode(path, max_pixels=max_pixels, error=LabelMapError)
    if picture.is_lossy:
        raise LabelMapError(f"{path}: JPEG changes the labels' values; save label maps as PNG or TIFF")
    samples = _one_channel(path, picture)
    if samples.dtype.kind not in "buif":
        raise LabelMapError(f"{path}: {samples.dtype} samples are no labels; save whole numbers")
    if samples.dtype.kind == "f" and not np.array_equal(samples, np.trunc(samples)):  # false for nan, too
        raise LabelMapError(f"{path}: fractions among the labels; save whole numbers")
    check_range(path, samples)
    return upright(samples.astype(np.int32), picture.orientation)


def check_range(path: Path, labels: NDArray[Any]) -> None:
    """LabelMapError where labels, (H, W), lie outside what int32 holds and a label may be."""
    lowest, highest = labels.min().item(), labels.max().item()  # numpy's would be rounded to float32
    if lowest < 0 or highest > MAX_LABEL:
        raise LabelMapError(f"{path}: labels from {lowest} to {highest}; number them within 0..{MAX_LABEL}")


def _pillow_rgb(path: Path, image: Image.Image) -> NDArray[np.uint8]:
    image.info.pop("transparency", None)  # alpha is dropped anyhow, and Pillow warns of some
    try:
        # a conversion of RGB would be a copy; not asarray, which cannot be written to
        return np.array(image if image.mode == "RGB" else image.convert("RGB"))
    except ValueError as error:
        raise ImageError(f"{path}: colours of the kind {image.mode}; save it as RGB") from error


def _samples_rgb(path: Path, samples: NDArray[Any]) -> NDArray[np.uint8]:
    if samples.ndim == 2:
        samples = samples[..., None]
    n_channels = samples.shape[2]
    if n_channels > 4:
        raise ImageError(f"{path}: {n_channels} channels are no colour photo; save it as RGB")
    colors = _as_uint8(path, samples[..., :3] if n_channels >= 3 else samples[..., :1])  # the rest is alpha
    return colors if n_channels >= 3 else np.repeat(colors, 3, axis=2)


def _as_uint8(path: Path, samples: NDArray[Any]) -> NDArray[np.uint8]:
    """Samples (h, w, n) of any depth as uint8, some rows at a time: numbers in between take more memory."""
    step = max(STRIP // max(samples.shape[1], 1), 1)
    bits = _bits_in_use(samples, step)
    if len(samples) <= step:
        return _strip_as_uint8(path, samples, bits)
    whole = np.empty(samples.shape, np.uint8)
    for start in range(0, len(samples), step):
        whole[start : start + step] = _strip_as_uint8(path, samples[start : start + step], bits)
    return whole


def _bits_in_use(samples: NDArray[Any], step: int) -> int:
    """The depth of the camera that took grey 16-bit samples: many microscopes' have fewer bits and leave the rest 0.

    A few hot pixels say nothing of it.
    """
    if samples.dtype != np.uint16 or samples.shape[2] > 1:
        return 16
    counts = np.zeros(1 << 16, np.int64)
    for start in range(0, len(samples), step):
        counts += np.bincount(samples[start : start + step].ravel(), minlength=len(counts))
    used = int(np.searchsorted(np.cumsum(counts), samples.size * (1 - HOT))).bit_length()
    return next(bits for bits in CAMERA_BITS if used <= bits)


def _strip_as_uint8(path: Path, samples: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    if samples.dtype == np.uint16:
        samples = np.minimum(samples >> (bits - 8), 255)
    elif samples.dtype == np.bool_:
        samples = samples * np.uint8(255)
    elif samples.dtype.kind == "f":
        if not (samples.min() >= 0 and samples.max() <= 1):  # nan, too
            raise ImageError(f"{path}: floating-point samples outside 0..1; save it with 8 or 16 bits")
        samples = np.rint(samples * 255)
    elif samples.dtype != np.uint8:
        raise ImageError(f"{path}: {samples.dtype} samples have no known white; save it with 8 or 16 bits")
    return samples.astype(np.uint8, copy=False)


def _one_channel(path: Path, picture: Picture) -> NDArray[Any]:
    if picture.is_cut_to_8_bits:
        raise LabelMapError(f"{path}: 16 bits in several channels; save the labels as one 16-bit channel")
    mode = picture.content.mode if isinstance(picture.content, Image.Image) else "L"
    if mode not in _LABEL_MODES:
        raise LabelMapError(f"{path}: {mode} colours, no label map; save the labels as one channel")
    samples = np.asarray(picture.content)
    if samples.ndim == 2:
        return samples
    colors = samples[..., :3] if samples.shape[2] >= 3 else samples[..., :1]  # the rest is alpha
    if not (colors == colors[..., :1]).all():
        raise LabelMapError(f"{path}: a colour picture, no label map; save the labels as one channel")
    return colors[..., 0]
