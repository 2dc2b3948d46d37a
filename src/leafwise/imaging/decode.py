"""From a PNG, JPEG or TIFF file to its samples: sizes checked first, one line of error for whatever fails.

Pillow decodes what has to be interpreted (palettes, CMYK, bits below 8). tifffile decodes all other TIFFs:
Pillow gives wrong values, without a word, for planar 16-bit colour and for compressed big-endian integers.
"""

import logging
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from leafwise.errors import LeafwiseError

_PNG_START = b"\x89PNG\r\n\x1a\n"
_JPEG_START = b"\xff\xd8\xff"
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_ORIENTATION = 274  # the number of this tag in EXIF and in TIFF
_PLAIN_DEPTHS = (1, 8, 16, 32, 64)
_PLAIN = (tifffile.PHOTOMETRIC.MINISWHITE, tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.RGB)

# What tifffile has to say of a damaged file is in the exception already.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Picture:
    """A decoded file as it was stored, not yet upright.

    `content` is a Pillow image where its mode gives the values their meaning, else samples (H, W[, C]).
    """

    content: Image.Image | NDArray[Any]
    orientation: int = 1  # as in EXIF
    is_lossy: bool = False
    white_is_zero: bool = False
    is_cut_to_8_bits: bool = False  # 16-bit colour, of which Pillow gives the upper half


def decode(path: Path, *, max_pixels: int, error: type[LeafwiseError]) -> Picture:
    """The only picture in the file at `path`; every failure is raised as `error`.

    Raises it before anything is decoded where the header tells of more than `max_pixels` pixels.
    """
    if path.is_dir():  # Windows would say that it may not be read
        raise error(f"{path}: a folder, not a picture; name a file")
    try:
        file = path.open("rb")
    except FileNotFoundError as missing:
        raise error(f"{path}: no such file; check its name and folder") from missing
    except PermissionError as denied:
        raise error(f"{path}: may not be read; change its permissions") from denied
    except OSError as failure:
        raise error(f"{path}: cannot be read ({failure.strerror}); check the file and its disk") from failure
    with file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _decode(file, _Checks(path, max_pixels, error))
        except LeafwiseError:
            raise
        except Image.DecompressionBombError as too_large:  # Pillow's own limit, which its TIFFs never lose
            raise error(f"{path}: too many pixels for a TIFF of this kind; save it as PNG") from too_large
        except MemoryError as full:
            raise error(f"{path}: too large for the memory of this machine; scale it down") from full
        except Exception as cause:  # a decoder at a damaged file may raise anything
            reason = " ".join(str(cause).split()) or type(cause).__name__
            raise error(f"{path}: damaged or cut short ({reason}); copy or export it again") from cause


@dataclass(frozen=True)
class _Checks:
    """What every format's header is held against."""

    path: Path
    max_pixels: int
    error: type[LeafwiseError]

    def fail(self, line: str) -> LeafwiseError:
        return self.error(f"{self.path}: {line}")

    def size(self, width: int, height: int) -> None:
        if width < 1 or height < 1:
            raise self.fail("a picture without pixels; export it again")
        if width * height > self.max_pixels:
            size = f"{width} x {height} pixels, past the limit of {self.max_pixels / 1e6:g} megapixels"
            raise self.fail(f"{size}; scale it down (or raise max_pixels: leafwise segment --max-megapixels)")

    def pages(self, n_pages: int) -> None:
        if n_pages > 1:
            raise self.fail(f"a stack of {n_pages} pictures; save each as a file of its own")


def _decode(file: BinaryIO, checks: _Checks) -> Picture:
    start = file.read(len(_PNG_START))
    file.seek(0)
    if start == _PNG_START:
        return _decode_png(file, checks)
    if start.startswith(_JPEG_START):
        # Not Image.open, whose size limit is global and warns. A phone's second view (MPO) is left out.
        return _load(JpegImageFile(file), checks, is_lossy=True)
    if start.startswith(_TIFF_STARTS):
        return _decode_tiff(file, checks)
    if not start:
        raise checks.fail("an empty file; copy or export it again")
    raise checks.fail("not a PNG, JPEG or TIFF picture; convert it to one of these")


def _decode_png(file: BinaryIO, checks: _Checks) -> Picture:
    header = PngImageFile(file)
    checks.size(*header.size)
    checks.pages(header.n_frames)
    header.verify()  # the checksums, which decoding does not look at
    file.seek(0)
    image = PngImageFile(file)
    is_cut = image.tile[0][3] in {"LA;16B", "RGB;16B", "RGBA;16B"}
    return _load(image, checks, is_cut_to_8_bits=is_cut)


def _decode_tiff(file: BinaryIO, checks: _Checks) -> Picture:
    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages.first
        checks.size(page.imagewidth, page.imagelength)
        kinds = [other.aspage() for other in tiff.pages]
        checks.pages(sum(not kind.is_reduced and not kind.is_mask for kind in kinds))
        is_inverted = page.photometric == tifffile.PHOTOMETRIC.MINISWHITE
        if page.bitspersample in _PLAIN_DEPTHS and page.photometric in _PLAIN and _is_decodable(page):
            tag = page.tags.get(_ORIENTATION)
            return Picture(_samples(page, checks), tag.value if tag else 1, white_is_zero=is_inverted)
        is_deep = page.bitspersample not in {1, 2, 4, 8}
        if is_deep and not _is_right_in_pillow(page):
            kind = f"{page.bitspersample}-bit {page.dtype} with compression {int(page.compression)}"
            raise checks.fail(f"a TIFF of {kind} cannot be read; save it with 8 or 16 bits, uncompressed")
        is_cut = is_deep and page.samplesperpixel > 1
    file.seek(0)
    picture = _load(TiffImageFile(file), checks, is_cut_to_8_bits=is_cut)
    if is_inverted and isinstance(picture.content, Image.Image):  # Pillow has turned black and white over
        picture = replace(picture, content=np.invert(np.asarray(picture.content)))
    return replace(picture, white_is_zero=is_inverted)


def _is_decodable(page: tifffile.TiffPage) -> bool:
    """Whether tifffile can do it: without imagecodecs it lacks LZW, for one."""
    return page.compression in tifffile.TIFF.DECOMPRESSORS and page.predictor in tifffile.TIFF.UNPREDICTORS


def _is_right_in_pillow(page: tifffile.TiffPage) -> bool:
    is_contiguous = page.samplesperpixel == 1 or page.planarconfig == tifffile.PLANARCONFIG.CONTIG
    return is_contiguous and page.bitspersample == 16 and page.dtype == np.uint16


def _samples(page: tifffile.TiffPage, checks: _Checks) -> NDArray[Any]:
    if page.axes not in {"YX", "YXS", "SYX"}:
        raise checks.fail(f"a TIFF with axes {page.axes}; save each picture as a file of its own")
    samples = _native(page.asarray())
    return np.moveaxis(samples, 0, -1) if page.axes == "SYX" else samples


def _native(samples: NDArray[Any]) -> NDArray[Any]:
    """Samples in this machine's order of bytes, which is what dtypes are compared with."""
    return samples.astype(samples.dtype.newbyteorder("="), copy=False)


def _load(
    image: ImageFile, checks: _Checks, *, is_lossy: bool = False, is_cut_to_8_bits: bool = False
) -> Picture:
    checks.size(*image.size)
    image.load()  # turns a TIFF upright, and then drops its tag
    content = _native(np.asarray(image)) if image.mode.startswith(("I", "F")) else image
    return Picture(content, _exif_orientation(image), is_lossy=is_lossy, is_cut_to_8_bits=is_cut_to_8_bits)


def _exif_orientation(image: ImageFile) -> int:
    try:
        orientation: int = image.getexif().get(_ORIENTATION, 1)
    except (SyntaxError, ValueError, KeyError, OSError):  # a broken EXIF block does not spoil the photo
        return 1
    return orientation


def upright(samples: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Samples (h, w, ...) turned as the EXIF orientation asks: 1 to 8, anything else is 1.

    >>> upright(np.array([[1, 2, 3]]), 6)
    array([[1],
           [2],
           [3]])
    """
    if orientation in {5, 6, 7, 8}:
        samples = samples.swapaxes(0, 1)
    if orientation in {3, 4, 7, 8}:
        samples = samples[::-1]
    if orientation in {2, 3, 6, 7}:
        samples = samples[:, ::-1]
    return np.ascontiguousarray(samples)
