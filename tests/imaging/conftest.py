"""A writer of PNG files that owes nothing to the libraries that read them."""

import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest


@pytest.fixture(scope="session")
def make_png() -> Callable[..., bytes]:
    return png_bytes


def png_bytes(samples, color_type, bits, palette=None, alpha_of_palette=b"") -> bytes:
    """A PNG by its specification: samples (h, w) or (h, w, c), colour type 0, 2, 3, 4 or 6."""
    samples = np.asarray(samples)
    lines = []
    for row in samples.reshape(len(samples), -1):
        digits = "".join(format(int(value), f"0{bits}b") for value in row)
        digits += "0" * (-len(digits) % 8)
        lines.append(b"\0" + int(digits, 2).to_bytes(len(digits) // 8, "big"))
    header = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], bits, color_type, 0, 0, 0)
    parts = [_chunk(b"IHDR", header)]
    if palette is not None:
        parts += [_chunk(b"PLTE", np.asarray(palette, np.uint8).tobytes()), _chunk(b"tRNS", alpha_of_palette)]
    parts += [_chunk(b"IDAT", zlib.compress(b"".join(lines))), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
