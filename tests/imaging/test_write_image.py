"""Results that are written whole or not at all."""

import errno
import os
import stat
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from leafwise.errors import ImageError, LabelMapError, OutputError
from leafwise.imaging import atomic_path, read_image, read_labels, write_image, write_labels, write_text

PHOTO = np.random.default_rng(0).integers(0, 256, (7, 5, 3)).astype(np.uint8)
LABELS = np.array([[0, 7, 7], [300, 0, 65535]], np.int32)


def one_line(caught) -> str:
    message = str(caught.value)
    assert "\n" not in message
    return message


@given(
    labels=hnp.arrays(
        st.sampled_from([np.int32, np.uint8, np.uint16, np.int64]),
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=9),
        elements=st.integers(0, 255) | st.sampled_from([0, 127]),
    ),
    factor=st.sampled_from([1, 257, 70_000]),
    suffix=st.sampled_from([".png", ".tif", ".TIFF"]),
)
def test_labels_come_back_as_they_were(tmp_path_factory, labels, factor, suffix):
    labels = labels.astype(np.int64) * factor
    written = write_labels(tmp_path_factory.mktemp("labels") / f"a.b{suffix}", labels)
    back = read_labels(written)
    assert back.dtype == np.int32
    np.testing.assert_array_equal(back, labels)
    assert written.stem == "a.b"
    assert written.suffix == (".tif" if suffix == ".png" and labels.max() > 65535 else suffix)


def test_label_maps_are_sixteen_bit_png(tmp_path):
    path = write_labels(tmp_path / "plant_label.png", LABELS)
    assert path == tmp_path / "plant_label.png"
    with Image.open(path) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "I;16", (3, 2))


def test_past_65535_they_are_32_bit_tiff(tmp_path):
    path = write_labels(str(tmp_path / "plant_label.png"), LABELS + 1)
    assert path == tmp_path / "plant_label.tif"
    assert tifffile.imread(path).dtype == np.uint32
    assert os.listdir(tmp_path) == ["plant_label.tif"]


@pytest.mark.parametrize(
    "labels", [LABELS - 1, LABELS.astype(float), LABELS[0], np.zeros((0, 3), int), np.array([[2**31]])]
)
def test_what_is_no_label_map_is_not_written(tmp_path, labels):
    with pytest.raises(LabelMapError) as caught:
        write_labels(tmp_path / "a.png", labels)
    assert one_line(caught).startswith(str(tmp_path / "a.png"))
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".PNG"])
def test_photos_come_back_as_they_were(tmp_path, suffix):
    path = tmp_path / f"photo{suffix}"
    write_image(path, PHOTO)
    np.testing.assert_array_equal(read_image(path), PHOTO)


def test_jpeg(tmp_path):
    flat = np.full((16, 8, 3), (200, 90, 30), np.uint8)
    write_image(tmp_path / "photo.jpg", flat)
    with Image.open(tmp_path / "photo.jpg") as image:
        assert image.format == "JPEG"
    np.testing.assert_allclose(read_image(tmp_path / "photo.jpg").astype(int), flat, atol=3)


@pytest.mark.parametrize("image", [PHOTO[..., 0], PHOTO / 255, PHOTO[:0], PHOTO[..., :2]])
def test_what_is_no_photo_is_not_written(tmp_path, image):
    with pytest.raises(ImageError) as caught:
        write_image(tmp_path / "a.png", image)
    assert "uint8 (h, w, 3)" in one_line(caught)


@pytest.mark.parametrize("name", ["photo.gif", "photo"])
def test_unknown_suffix(tmp_path, name):
    for write, array in [(write_image, PHOTO), (write_labels, LABELS)]:
        with pytest.raises(OutputError) as caught:
            write(tmp_path / name, array)
        assert "use .png" in one_line(caught)
    with pytest.raises(OutputError):
        write_labels(tmp_path / "label.jpg", LABELS)


WRITERS = [
    (write_text, "done.txt", "new"),
    (write_image, "photo.png", PHOTO),
    (write_image, "photo.tif", PHOTO),
    (write_labels, "label.png", LABELS),
    (write_labels, "label.png", LABELS + 1),
]


@pytest.mark.parametrize(("write", "name", "content"), WRITERS)
@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "no space left on the disk"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "no permission"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch, write, name, content, number, reason):
    for old in [tmp_path / name, (tmp_path / name).with_suffix(".tif")]:
        old.write_text("old")
    before = sorted(os.listdir(tmp_path))

    def half(self: Path, data, *_, **__):
        with self.open("wb") as file:
            file.write(b"half")
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "write_bytes", half)
    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(OutputError) as caught:
        write(tmp_path / name, content)
    assert reason in one_line(caught)
    assert str(tmp_path / Path(name).stem) in one_line(caught)
    assert sorted(os.listdir(tmp_path)) == before
    assert {(tmp_path / file).read_text() for file in before} == {"old"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_is_full(tmp_path):
    with pytest.raises(OutputError) as caught, atomic_path(tmp_path / "a.txt") as temporary:
        temporary.symlink_to("/dev/full")
        temporary.write_text("new")
    assert "no space left on the disk" in one_line(caught)
    assert not os.listdir(tmp_path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="no permission"):
        write_text(tmp_path / "a.txt", "new")


def test_folders_and_files_in_the_way(tmp_path):
    with pytest.raises(OutputError) as caught:
        write_text(tmp_path / "missing" / "a.txt", "new")
    assert "folder does not exist" in one_line(caught)
    (tmp_path / "file").write_text("a file")
    with pytest.raises(OutputError) as caught:
        write_text(tmp_path / "file" / "a.txt", "new")
    assert "a file stands where" in one_line(caught)
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(OutputError) as caught:
        write_text(tmp_path / "a.txt", "new")
    assert "in the way" in one_line(caught)
    assert sorted(os.listdir(tmp_path)) == ["a.txt", "file"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_interrupts_a_write_goes_on_as_it_is(tmp_path, error):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(error), atomic_path(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise error
    assert os.listdir(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path):
    (tmp_path / "a.png").write_text("old")
    with atomic_path(tmp_path / "a.png") as temporary:
        temporary.write_text("new")
        assert (tmp_path / "a.png").read_text() == "old"
        assert (temporary.parent, temporary.suffix, temporary.name[0]) == (tmp_path, ".png", ".")
    assert (tmp_path / "a.png").read_text() == "new"
    assert os.listdir(tmp_path) == ["a.png"]


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("old")
    synced = []

    def fsync(descriptor):
        synced.append(os.pread(descriptor, 99, 0))
        assert (tmp_path / "a.txt").read_text() == "old"

    monkeypatch.setattr(os, "fsync", fsync)
    write_text(tmp_path / "a.txt", "new")
    assert synced == [b"new"]
    assert (tmp_path / "a.txt").read_text() == "new"


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_others_may_read_what_the_umask_lets_them(tmp_path):
    old = os.umask(0o022)
    try:
        write_image(tmp_path / "a.png", PHOTO)
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o644


def test_text_that_names_what_is_not_utf8_is_refused_in_one_line(tmp_path):
    with pytest.raises(OutputError) as caught:
        write_text(tmp_path / "a.txt", os.fsdecode(b"pfl\xe4nze.png"))
    assert "whose name is not UTF-8; rename that" in one_line(caught)
    assert not os.listdir(tmp_path)


def test_text_is_utf8_with_plain_line_ends(tmp_path):
    write_text(tmp_path / "a.txt", "µm²\nü\n")
    assert (tmp_path / "a.txt").read_bytes() == "µm²\nü\n".encode()
