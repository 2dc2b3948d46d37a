"""Label maps of every kind that tools write, and what must not pass for one."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from leafwise.errors import LabelMapError
from leafwise.imaging import read_labels

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6  # PNG's colour types
GAPS = np.array([[0, 0, 7], [3, 3, 200]])


def message_of(path, **settings) -> str:
    with pytest.raises(LabelMapError) as caught:
        read_labels(path, **settings)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    assert "; " in message
    return message


def check(path, expected) -> None:
    labels = read_labels(path)
    assert labels.dtype == np.int32
    assert labels.flags.c_contiguous and labels.flags.writeable
    np.testing.assert_array_equal(labels, expected)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_the_index_of_a_palette_is_the_label(tmp_path, make_png, bits):
    indices = np.arange(24).reshape(4, 6) % 2**bits
    palette = np.full((2**bits, 3), 9)  # all of one colour, and some of it transparent
    path = tmp_path / "label.png"
    path.write_bytes(make_png(indices, PALETTE, bits, palette, alpha_of_palette=b"\0\x64"))
    check(path, indices)


@pytest.mark.parametrize("bits", [8, 16])
def test_grey_png_keeps_its_gaps(tmp_path, make_png, bits):
    labels = GAPS * (257 if bits == 16 else 1)
    path = tmp_path / "label.png"
    path.write_bytes(make_png(labels, GREY, bits))
    check(path, labels)


def test_one_bit_is_label_one(tmp_path, make_png):
    path = tmp_path / "label.png"
    path.write_bytes(make_png(GAPS > 0, GREY, 1))
    check(path, GAPS > 0)
    for photometric in ["minisblack", "miniswhite"]:
        tifffile.imwrite(tmp_path / "label.tif", GAPS > 0, photometric=photometric)
        check(tmp_path / "label.tif", GAPS > 0)


@pytest.mark.parametrize("color_type", [GREY_ALPHA, RGB, RGBA])
def test_equal_channels_are_one_and_alpha_is_none(tmp_path, make_png, color_type):
    n_colors = 1 if color_type == GREY_ALPHA else 3
    channels = [GAPS] * n_colors + ([] if color_type == RGB else [GAPS[::-1]])
    path = tmp_path / "label.png"
    path.write_bytes(make_png(np.stack(channels, axis=-1), color_type, 8))
    check(path, GAPS)


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8", "i2", "i4", "i8", "f2", "f4", "f8"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_of_every_depth(tmp_path, dtype, compression, order):
    labels = GAPS * (1 if dtype in {"u1", "i2", "f2"} else 257)
    labels = labels * (1000 if dtype[1] in "48" else 1)
    path = tmp_path / "label.tif"
    tifffile.imwrite(path, labels.astype(dtype), compression=compression, byteorder=order)
    check(path, labels)


@pytest.mark.parametrize("mode", ["L", "P", "I;16"])
def test_tiff_with_lzw(tmp_path, mode):
    labels = GAPS * (257 if mode == "I;16" else 1)
    image = Image.fromarray(labels.astype(np.uint16 if mode == "I;16" else np.uint8))
    if mode == "P":
        image.putpalette([9, 9, 9] * 256)
    image.save(tmp_path / "label.tif", compression="tiff_lzw")
    check(tmp_path / "label.tif", labels)


def test_white_is_zero_leaves_the_numbers_alone(tmp_path):
    tifffile.imwrite(tmp_path / "label.tif", GAPS.astype(np.uint8), photometric="miniswhite")
    check(tmp_path / "label.tif", GAPS)
    seen = Image.fromarray(255 - GAPS.astype(np.uint8))  # Pillow turns it over when it writes, too
    seen.save(tmp_path / "lzw.tif", compression="tiff_lzw", tiffinfo={262: 0})
    check(tmp_path / "lzw.tif", GAPS)
    seen = Image.fromarray(GAPS == 0)
    seen.save(tmp_path / "fax.tif", compression="group4", tiffinfo={262: 0})
    check(tmp_path / "fax.tif", GAPS > 0)


def test_planes_of_sixteen_bits(tmp_path):
    planes = np.stack([GAPS * 257] * 3).astype(np.uint16)
    tifffile.imwrite(tmp_path / "label.tif", planes, photometric="rgb", planarconfig="separate")
    check(tmp_path / "label.tif", GAPS * 257)


def test_colours_are_no_labels(tmp_path, make_png):
    path = tmp_path / "label.png"
    path.write_bytes(make_png(np.stack([GAPS, GAPS, GAPS // 2], axis=-1), RGB, 8))
    assert "colour" in message_of(path)
    Image.new("CMYK", (3, 2)).save(tmp_path / "label.tif")
    assert "CMYK" in message_of(tmp_path / "label.tif")


@pytest.mark.parametrize("color_type", [GREY_ALPHA, RGB, RGBA])
def test_sixteen_bits_that_would_lose_half_are_refused(tmp_path, make_png, color_type):
    n_channels = {GREY_ALPHA: 2, RGB: 3, RGBA: 4}[color_type]
    path = tmp_path / "label.png"
    path.write_bytes(make_png(np.stack([GAPS] * n_channels, axis=-1), color_type, 16))
    assert "one 16-bit channel" in message_of(path)


def test_jpeg_is_refused(tmp_path):
    Image.fromarray(GAPS.astype(np.uint8)).save(tmp_path / "label.png", format="JPEG")
    assert "JPEG changes" in message_of(tmp_path / "label.png")


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        (np.array([[0.0, 1.5]], np.float32), "fractions"),
        (np.array([[0.0, np.nan]], np.float32), "fractions"),
        (np.array([[0.0, np.inf]], np.float32), "labels from 0.0 to inf"),
        (np.array([[0, -3]], np.int16), "labels from -3 to 0"),
        (np.array([[0, 2**31]], np.uint32), "labels from 0 to 2147483648"),
        (np.array([[0, 2**31]], np.float32), "labels from 0.0 to 2147483648"),
        (np.array([[0, 2**40]], np.int64), "labels from 0 to 1099511627776"),
        (np.array([[0, 1j]], np.complex64), "complex64"),
    ],
)
def test_values_that_are_no_labels(tmp_path, labels, why):
    tifffile.imwrite(tmp_path / "label.tif", labels)
    assert why in message_of(tmp_path / "label.tif")


def test_the_largest_label(tmp_path):
    labels = np.array([[0, 2**31 - 1]], np.uint32)
    tifffile.imwrite(tmp_path / "label.tif", labels)
    check(tmp_path / "label.tif", labels)


def test_files_that_cannot_be_read(tmp_path):
    path = tmp_path / "label.png"
    assert "no such file" in message_of(path)
    path.write_text("no picture")
    assert "not a PNG" in message_of(path)
    Image.new("L", (5, 4)).save(path)
    assert "5 x 4 pixels" in message_of(path, max_pixels=19)
    path.write_bytes(path.read_bytes()[:-20])
    assert "damaged" in message_of(path)
    tifffile.imwrite(path, np.zeros((3, 8, 9), np.uint16), photometric="minisblack")
    assert "a stack of 3" in message_of(path)


@pytest.mark.shared
def test_real_label_maps(shared):
    leaves = read_labels(shared / "data/cvppp_a1/plant001_label.png")
    assert leaves.shape == (530, 500)
    np.testing.assert_array_equal(np.unique(leaves), np.arange(16))  # counted by eye
    nuclei = read_labels(shared / "data/dsb2018/labels/00071198d059ba7f.png")
    with Image.open(shared / "data/dsb2018/labels/00071198d059ba7f.png") as image:
        np.testing.assert_array_equal(nuclei, np.asarray(image))
