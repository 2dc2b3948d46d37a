"""Photos of every kind that users bring, and every kind of file that is none."""

import io
import itertools
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from leafwise.errors import ImageError
from leafwise.imaging import read_image
from leafwise.imaging.decode import upright

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6  # PNG's colour types


def random_samples(shape, bits=8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 2**bits, shape)


def in_rgb(samples) -> np.ndarray:
    """Grey (h, w) as three equal channels."""
    return np.stack([samples] * 3, axis=-1)


def check(path, expected) -> None:
    photo = read_image(path)
    assert photo.dtype == np.uint8
    assert photo.flags.c_contiguous and photo.flags.writeable
    np.testing.assert_array_equal(photo, expected)


def message_of(path, **settings) -> str:
    with pytest.raises(ImageError) as caught:
        read_image(path, **settings)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    assert "; " in message  # what is wrong; what to do
    return message


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("color_type", "n_channels"), [(GREY, 1), (GREY_ALPHA, 2), (RGB, 3), (RGBA, 4)])
def test_png_of_8_and_16_bits(tmp_path, make_png, color_type, n_channels, bits):
    samples = random_samples((6, 5, n_channels), bits)
    path = tmp_path / "photo.png"
    path.write_bytes(make_png(samples, color_type, bits))
    upper = samples // 2 ** (bits - 8)
    expected = upper[..., :3] if n_channels >= 3 else np.repeat(upper[..., :1], 3, axis=2)
    check(path, expected)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_png_of_few_bits_reaches_white(tmp_path, make_png, bits):
    samples = random_samples((6, 5), bits)
    path = tmp_path / "photo.png"
    path.write_bytes(make_png(samples, GREY, bits))
    np.testing.assert_array_equal(read_image(path), in_rgb(samples * 255 // (2**bits - 1)))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palette_with_transparency(tmp_path, make_png, bits):
    samples, palette = random_samples((6, 5), bits), random_samples((2**bits, 3))
    path = tmp_path / "photo.png"
    path.write_bytes(make_png(samples, PALETTE, bits, palette, alpha_of_palette=b"\0\x64"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(read_image(path), palette[samples])


TIFF_KINDS = [
    kind
    for kind in itertools.product(
        ["u1", "u2", "f4"], [1, 2, 3, 4], [None, "zlib"], ["contig", "separate"], ["<", ">"]
    )
    if not (kind[1] == 1 and kind[3] == "separate")
]


@pytest.mark.parametrize(("dtype", "n_channels", "compression", "planes", "order"), TIFF_KINDS)
def test_tiff_of_every_sample_order(tmp_path, dtype, n_channels, compression, planes, order):
    samples = random_samples((6, 5, n_channels), 16 if dtype == "u2" else 8)
    stored = (samples / 255 if dtype[0] == "f" else samples).astype(dtype)
    if n_channels == 1:
        stored = stored[..., 0]
    elif planes == "separate":
        stored = np.moveaxis(stored, -1, 0)
    tifffile.imwrite(
        tmp_path / "photo.tif",
        stored,
        photometric="rgb" if n_channels >= 3 else "minisblack",
        planarconfig=planes if n_channels > 1 else None,
        extrasamples=["unassalpha"] if n_channels in {2, 4} else None,
        compression=compression,
        byteorder=order,
        metadata=None,
    )
    upper = samples // 256 if dtype == "u2" else samples
    expected = upper[..., :3] if n_channels >= 3 else np.repeat(upper[..., :1], 3, axis=2)
    check(tmp_path / "photo.tif", expected)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "packbits"])
def test_tiff_as_other_programs_compress_it(tmp_path, mode, compression):
    expected = random_samples((6, 5)) // 128 * 255
    image = Image.fromarray(in_rgb(expected).astype(np.uint8))
    if mode == "I;16":
        image = Image.fromarray((expected * 257).astype(np.uint16))
    image.convert(mode).save(tmp_path / "photo.tif", compression=compression)
    check(tmp_path / "photo.tif", in_rgb(expected))


def lzw_tiff(samples, order) -> bytes:
    """Grey samples (h, w) of 16 bits as a TIFF of one LZW strip, in the order of bytes "<" or ">"."""
    content = samples.astype(f"{order}u2").tobytes()
    codes = [code for i in range(0, len(content), 250) for code in (256, *content[i : i + 250])]
    bits = "".join(f"{code:09b}" for code in [*codes, 257])  # no code is ever longer: 256 starts anew
    bits += "0" * (-len(bits) % 8)
    strip = int(bits, 2).to_bytes(len(bits) // 8, "big")
    height, width = samples.shape
    fields = {256: width, 257: height, 258: 16, 259: 5, 262: 1, 273: 122, 277: 1, 278: height}
    entries = [struct.pack(f"{order}HHIHH", tag, 3, 1, value, 0) for tag, value in fields.items()]
    entries.append(struct.pack(f"{order}HHII", 279, 4, 1, len(strip)))
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HIH", 42, 8, len(entries))
    return head + b"".join(entries) + bytes(4) + strip  # which begins at 122


@pytest.mark.parametrize("order", ["<", ">"])
def test_grey_16_bit_lzw_tiff_of_either_order_of_bytes(tmp_path, order):
    samples = random_samples((6, 70), bits=16)
    (tmp_path / "photo.tif").write_bytes(lzw_tiff(samples, order))
    check(tmp_path / "photo.tif", in_rgb(samples // 256))


def test_white_is_zero(tmp_path):
    samples = random_samples((6, 5)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "photo.tif", samples, photometric="miniswhite")
    np.testing.assert_array_equal(read_image(tmp_path / "photo.tif"), in_rgb(255 - samples))
    Image.fromarray(samples).save(tmp_path / "lzw.tif", compression="tiff_lzw", tiffinfo={262: 0})
    np.testing.assert_array_equal(read_image(tmp_path / "lzw.tif"), in_rgb(samples))
    Image.fromarray(samples > 99).save(tmp_path / "fax.tif", compression="group4", tiffinfo={262: 0})
    np.testing.assert_array_equal(read_image(tmp_path / "fax.tif"), in_rgb((samples > 99) * 255))


def test_cmyk(tmp_path):
    cmyk = np.zeros((4, 5, 4), np.uint8)
    cmyk[:, :2] = 0, 255, 255, 0  # no cyan ink: red
    cmyk[:, 2:] = 0, 0, 0, 255  # black
    Image.fromarray(cmyk, mode="CMYK").save(tmp_path / "photo.tif")
    expected = np.zeros((4, 5, 3), np.uint8)
    expected[:, :2, 0] = 255
    np.testing.assert_array_equal(read_image(tmp_path / "photo.tif"), expected)
    Image.fromarray(cmyk, mode="CMYK").save(tmp_path / "photo.jpg", quality=100, subsampling=0)
    np.testing.assert_allclose(read_image(tmp_path / "photo.jpg").astype(int), expected, atol=4)


def test_grey_jpeg(tmp_path):
    Image.new("L", (7, 4), 90).save(tmp_path / "photo.jpg")
    assert (read_image(tmp_path / "photo.jpg") == np.full((4, 7, 3), 90)).all()


ORIENTATIONS = {  # of [[1, 2, 3], [4, 5, 6]], by EXIF: where the stored first row and column are to be seen
    1: [[1, 2, 3], [4, 5, 6]],  # top, left
    2: [[3, 2, 1], [6, 5, 4]],  # top, right
    3: [[6, 5, 4], [3, 2, 1]],  # bottom, right
    4: [[4, 5, 6], [1, 2, 3]],  # bottom, left
    5: [[1, 4], [2, 5], [3, 6]],  # left, top
    6: [[4, 1], [5, 2], [6, 3]],  # right, top
    7: [[6, 3], [5, 2], [4, 1]],  # right, bottom
    8: [[3, 6], [2, 5], [1, 4]],  # left, bottom
    0: [[1, 2, 3], [4, 5, 6]],  # no such orientation
}


@pytest.mark.parametrize(("orientation", "expected"), ORIENTATIONS.items())
def test_orientation(tmp_path, orientation, expected):
    stored = np.array(ORIENTATIONS[1], np.uint8)
    expected = np.array(expected)
    np.testing.assert_array_equal(upright(stored, orientation), expected)
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(stored).save(tmp_path / "photo.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "photo.png"), in_rgb(expected))
    blocks = np.kron(stored * 40, np.ones((8, 8), np.uint8))  # JPEG keeps flat 8 x 8 blocks
    Image.fromarray(blocks).save(tmp_path / "photo.jpg", exif=exif, quality=95)
    np.testing.assert_allclose(read_image(tmp_path / "photo.jpg")[4::8, 4::8, 0], expected * 40, atol=2)
    tag = [(274, "H", 1, orientation, True)]
    tifffile.imwrite(tmp_path / "photo.tif", stored, photometric="minisblack", extratags=tag)
    np.testing.assert_array_equal(read_image(tmp_path / "photo.tif"), in_rgb(expected))
    palette = Image.fromarray(stored).convert("P")  # the TIFFs that Pillow reads
    palette.save(tmp_path / "palette.tif", tiffinfo={274: orientation})
    np.testing.assert_array_equal(read_image(tmp_path / "palette.tif"), in_rgb(expected))


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM", b"no exif"]
)
def test_broken_exif_does_not_spoil_the_photo(tmp_path, exif, recwarn):
    Image.new("RGB", (8, 8), (90, 90, 90)).save(tmp_path / "photo.jpg", exif=exif)
    assert (read_image(tmp_path / "photo.jpg") == 90).all()
    assert not recwarn.list


def encoded(name: str) -> bytes:
    """A small photo as the file's bytes."""
    samples = random_samples((18, 20, 3)).astype(np.uint8)
    file = io.BytesIO()
    if name == "strips.tif":
        tifffile.imwrite(file, samples, photometric="rgb", rowsperstrip=4, compression="zlib")
    else:
        options = {
            "progressive.jpg": {"progressive": True},
            "lzw.tif": {"compression": "tiff_lzw"},
        }.get(name, {})
        formats = {"png": "PNG", "jpg": "JPEG", "tif": "TIFF"}
        Image.fromarray(samples).save(file, format=formats[name[-3:]], **options)
    return file.getvalue()


@pytest.mark.parametrize(
    "name", ["photo.png", "photo.jpg", "progressive.jpg", "photo.tif", "lzw.tif", "strips.tif"]
)
def test_a_file_cut_short_is_never_half_a_photo(tmp_path, name):
    whole = encoded(name)
    path = tmp_path / name
    path.write_bytes(whole)
    photo = read_image(path)
    n_refused = 0
    for length in [*range(1, len(whole), 11), *range(len(whole) - 12, len(whole))]:
        path.write_bytes(whole[:length])
        try:
            np.testing.assert_array_equal(read_image(path), photo)
        except ImageError as error:
            n_refused += 1
            assert "\n" not in str(error)
    assert n_refused > len(whole) // 11 - 3


def test_a_flipped_bit_in_a_png_is_found(tmp_path):
    whole = bytearray(encoded("photo.png"))
    path = tmp_path / "photo.png"
    for position in range(60, len(whole) - 12, 97):
        damaged = whole.copy()
        damaged[position] ^= 0x10
        path.write_bytes(damaged)
        assert "damaged" in message_of(path)


@pytest.mark.parametrize("name", ["note.png", "note.jpg", "note.tif"])
def test_no_picture_at_all(tmp_path, name):
    path = tmp_path / name
    assert "no such file" in message_of(path)
    path.write_bytes(b"")
    assert "empty file" in message_of(path)
    path.write_text("plant,leaves\n1,7\n")
    assert "not a PNG, JPEG or TIFF" in message_of(path)
    path.write_bytes(random_samples(2000).astype(np.uint8).tobytes())
    message_of(path)
    path.unlink()
    path.mkdir()
    assert "folder" in message_of(path)


def test_other_formats_are_refused_whatever_their_suffix(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "photo.png", format="BMP")
    assert "not a PNG" in message_of(tmp_path / "photo.png")


def test_the_suffix_does_not_matter(tmp_path):
    Image.new("RGB", (5, 4), (1, 2, 3)).save(tmp_path / "photo.png", format="TIFF")
    assert (read_image(str(tmp_path / "photo.png")) == (1, 2, 3)).all()


def test_no_permission(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert "permissions" in message_of(tmp_path / "photo.png")


def header_only(name: str) -> bytes:
    """The start of a file of 20,000 x 20,000 pixels, with next to nothing after it."""
    file = io.BytesIO()
    if name == "photo.jpg":
        Image.new("L", (1, 1)).save(file, format="JPEG")
        size = file.getvalue().index(b"\xff\xc0") + 5
        return file.getvalue()[:size] + struct.pack(">HH", 20000, 20000) + file.getvalue()[size + 4 :]
    tifffile.imwrite(file, shape=(20000, 20000), dtype="u1", photometric="minisblack", bigtiff=False)
    return file.getvalue()[:2000]


@pytest.mark.parametrize("name", ["photo.jpg", "photo.tif"])
def test_too_many_pixels_by_the_header(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(header_only(name))
    assert "20000 x 20000 pixels, past the limit of 200 megapixels" in message_of(path)


def test_too_many_pixels_in_a_png(tmp_path):
    """The checksum of a changed header would be wrong, so this one is a real file."""
    path = tmp_path / "photo.png"
    Image.new("1", (20000, 20000)).save(path, compress_level=1)
    assert "20000 x 20000 pixels, past the limit of 200 megapixels" in message_of(path)


@pytest.mark.parametrize("name", ["photo.png", "photo.jpg", "photo.tif"])
def test_the_limit_is_inclusive_and_configurable(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(encoded(name))  # 18 x 20
    assert read_image(path, max_pixels=360).shape == (18, 20, 3)
    assert "20 x 18 pixels" in message_of(path, max_pixels=359)


def test_the_limit_of_pillow_plays_no_part(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ["photo.png", "photo.jpg", "photo.tif"]:
            (tmp_path / name).write_bytes(encoded(name))
            assert read_image(tmp_path / name).shape == (18, 20, 3)
        (tmp_path / "lzw.tif").write_bytes(encoded("lzw.tif"))
        assert "too many pixels" in message_of(tmp_path / "lzw.tif")
    assert Image.MAX_IMAGE_PIXELS == 10


def test_stacks_are_refused(tmp_path):
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, np.zeros((3, 8, 9), np.uint8), photometric="minisblack")
    assert "a stack of 3 pictures" in message_of(path)
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "green")]
    frames[0].save(tmp_path / "moving.png", save_all=True, append_images=frames[1:])
    assert "a stack of 2 pictures" in message_of(tmp_path / "moving.png")


def test_a_thumbnail_is_no_second_picture(tmp_path):
    path = tmp_path / "photo.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(np.full((8, 9, 3), 7, np.uint8), photometric="rgb")
        file.write(np.zeros((2, 2, 3), np.uint8), photometric="rgb", subfiletype=1)
    assert (read_image(path) == np.full((8, 9, 3), 7)).all()


@pytest.mark.parametrize(
    ("samples", "why"),
    [
        (np.full((4, 5), 1.5, np.float32), "outside 0..1"),
        (np.full((4, 5), np.nan, np.float32), "outside 0..1"),
        (np.full((4, 5), 70000, np.uint32), "no known white"),
        (np.full((4, 5), 70, np.int16), "no known white"),
        (np.zeros((4, 5, 7), np.uint8), "7 channels"),
    ],
)
def test_samples_without_known_colours(tmp_path, samples, why):
    tifffile.imwrite(tmp_path / "photo.tif", samples, photometric="minisblack", planarconfig="contig")
    assert why in message_of(tmp_path / "photo.tif")


def test_one_pixel(tmp_path):
    Image.new("RGB", (1, 1), (1, 2, 3)).save(tmp_path / "photo.png")
    np.testing.assert_array_equal(read_image(tmp_path / "photo.png"), [[[1, 2, 3]]])


@pytest.mark.shared
def test_real_photos(shared):
    assert read_image(shared / "data/cvppp_a1/plant001_rgb.png").shape == (530, 500, 3)
    assert read_image(shared / "data/komatsuna/images/00_00_000_01.png").shape == (480, 480, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_samples_brought_to_8_bits_in_strips_are_the_same(tmp_path, monkeypatch, dtype):
    samples = np.random.default_rng(0).random((40, 30, 3)) * (
        1 if dtype == np.float32 else np.iinfo(dtype).max
    )
    tifffile.imwrite(tmp_path / "photo.tif", samples.astype(dtype), photometric="rgb")
    whole = read_image(tmp_path / "photo.tif")
    monkeypatch.setattr("leafwise.imaging.read.STRIP", 100)
    np.testing.assert_array_equal(read_image(tmp_path / "photo.tif"), whole)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_of_16_bits_the_upper_8_that_the_camera_has_are_kept(tmp_path, monkeypatch, bits):
    monkeypatch.setattr("leafwise.imaging.read.STRIP", 12)  # the brightest pixel is in one strip of several
    samples = np.random.default_rng(bits).integers(0, 2**bits // 5, (9, 6), dtype=np.uint16)
    samples[4, 3] = 2**bits - 1
    tifffile.imwrite(tmp_path / "photo.tif", samples)
    expected = np.floor(samples / 2**bits * 256)
    np.testing.assert_array_equal(read_image(tmp_path / "photo.tif"), in_rgb(expected))


@pytest.mark.parametrize(("n_hot", "dark"), [(1, 512 // 4), (2, 512 // 4), (3, 512 // 256)])
def test_a_few_hot_pixels_say_nothing_of_the_camera(tmp_path, n_hot, dark):
    samples = np.full((100, 200), 512, np.uint16)  # 2 pixels are a ten-thousandth
    samples[7, :n_hot] = 65535
    tifffile.imwrite(tmp_path / "photo.tif", samples)
    photo = read_image(tmp_path / "photo.tif")
    assert (photo[7, :n_hot] == 255).all()
    assert (photo[:7] == dark).all()


def test_an_alpha_of_16_bits_says_nothing_of_the_camera(tmp_path):
    samples = np.full((4, 5, 2), 65535, np.uint16)
    samples[..., 0] = 4095
    tifffile.imwrite(
        tmp_path / "photo.tif",
        samples,
        photometric="minisblack",
        planarconfig="contig",
        extrasamples=["unassalpha"],
    )
    assert (read_image(tmp_path / "photo.tif") == 255).all()


def test_dark_colour_photos_of_16_bits_stay_dark(tmp_path):
    tifffile.imwrite(tmp_path / "photo.tif", np.full((4, 5, 3), 4095, np.uint16), photometric="rgb")
    assert (read_image(tmp_path / "photo.tif") == 15).all()
