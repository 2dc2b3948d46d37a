"""What a batch leaves on the disk, against painted plants whose leaves are known."""

import contextlib
import errno
import multiprocessing
import os
import shutil
import tomllib
from concurrent import futures
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from painted import ColorSegmenter, paint, two_plants
from PIL import Image

import leafwise
from leafwise.batch import Step, files, finish, segment_files, settings_of_run
from leafwise.batch.records import UNFINISHED, read_records
from leafwise.errors import LeafwiseError, OutputError
from leafwise.imaging import read_image, read_labels, write_image, write_labels
from leafwise.models import load_model

TABLES = {"leaves.csv", "plants.csv", "photos.csv", "run.toml"}


def files_of(folder):
    """All files in a folder, hidden ones too: name -> time of the last change."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in files}


def finished(out):
    """The names of the photos that are done."""
    return {name for name, record in read_records(out).items() if record.digest != UNFINISHED}


def interrupt(step):
    raise KeyboardInterrupt


def results_of(name):
    return {f"{name}_label.png", f"{name}_overlay.png", f".leafwise/{name}.json"}


def test_leaves_of_painted_photos_are_found_written_and_measured(tmp_path, segmenter, paint_photos):
    photos, out = paint_photos(3), tmp_path / "new" / "out"
    report = segment_files(photos, out, segmenter)
    assert (report.done, report.skipped, report.leaves, report.errors) == (3, 0, 9, [])
    assert files_of(out).keys() == TABLES.union(*(results_of(f"plant{i}") for i in range(3)))
    for i in range(3):
        with Image.open(out / f"plant{i}_label.png") as file:
            assert (file.mode, file.size) == ("I;16", (64, 32))
        np.testing.assert_array_equal(read_labels(out / f"plant{i}_label.png"), two_plants(i))
    leaves = pd.read_csv(out / "leaves.csv")
    assert leaves["photo"].tolist() == ["plant0"] * 3 + ["plant1"] * 3 + ["plant2"] * 3
    assert leaves["plant"].tolist() == [1, 1, 2] * 3
    assert leaves["leaf"].tolist() == [1, 2, 3] * 3
    right = [20 * 24, 20 * 23, 20 * 22]
    assert leaves["area_px"].tolist() == [area for i in range(3) for area in (12 * 24, 12 * 16, right[i])]
    first = leaves.iloc[1]
    assert first[["centroid_row_px", "centroid_col_px"]].tolist() == [21.5, 11.5]
    assert first[[f"bbox_{side}_px" for side in ("top", "left", "bottom", "right")]].tolist() == [
        16,
        4,
        28,
        20,
    ]
    assert first[["mean_red", "mean_green", "mean_blue"]].tolist() == [120, 255, 0]
    plants = pd.read_csv(out / "plants.csv")
    assert plants["photo"].tolist() == ["plant0", "plant0", "plant1", "plant1", "plant2", "plant2"]
    assert plants["leaf_count"].tolist() == [2, 1] * 3
    assert plants["area_px"].tolist() == [480, 480, 480, 460, 480, 440]


def test_every_photo_is_told_of_as_it_is_done(tmp_path, segmenter, paint_photos):
    photos = paint_photos(5)
    segment_files(photos[1:2], tmp_path / "out", segmenter)
    steps = []
    segment_files(photos, tmp_path / "out", segmenter, on_progress=steps.append)
    assert sorted(steps, key=lambda step: step.photo) == [
        Step(photo, leaves=3 if i != 1 else 0, skipped=i == 1) for i, photo in enumerate(photos)
    ]


def test_a_photo_without_a_leaf_has_an_empty_map_and_no_rows_but_a_count(tmp_path, segmenter):
    write_image(tmp_path / "soil.png", paint(np.zeros((32, 64), int)))
    report = segment_files([tmp_path / "soil.png"], tmp_path / "out", segmenter)
    assert (report.done, report.leaves, report.empty) == (1, 0, [tmp_path / "soil.png"])
    assert not read_labels(tmp_path / "out" / "soil_label.png").any()
    leaves, plants = (pd.read_csv(tmp_path / "out" / f"{name}.csv") for name in ("leaves", "plants"))
    assert (len(leaves), len(plants)) == (0, 0)
    assert leaves.columns[:4].tolist() == ["photo", "plant", "leaf", "area_px"]
    assert plants.columns[:4].tolist() == ["photo", "plant", "leaf_count", "area_px"]
    photos = pd.read_csv(tmp_path / "out" / "photos.csv")
    assert photos[["photo", "plant_count", "leaf_count"]].values.tolist() == [["soil", 0, 0]]
    assert Path(photos["file"][0]).samefile(tmp_path / "soil.png")


def test_photos_of_one_stem_keep_both_results(tmp_path, segmenter, paint_photos):
    first, second = paint_photos(1, "monday"), paint_photos(1, "tuesday")
    write_image(second[0], paint(np.where(two_plants() == 2, 0, two_plants())))
    jpeg = first[0].with_suffix(".tif")
    write_image(jpeg, paint(np.where(two_plants() < 3, 0, 3)))
    out = tmp_path / "out"
    segment_files([*first, *second, jpeg], out, segmenter)
    counts = pd.read_csv(out / "leaves.csv").groupby("photo").size()
    assert counts.to_dict() == {"plant0": 3, "tuesday_plant0": 2, "monday_plant0": 1}
    for name, n_leaves in counts.items():
        assert read_labels(out / f"{name}_label.png").max() == n_leaves


def test_the_same_photos_in_another_order_keep_their_names(tmp_path, segmenter, paint_photos):
    first, second = paint_photos(1, "monday"), paint_photos(1, "tuesday")
    out = tmp_path / "out"
    segment_files([*first, *second], out, segmenter)
    before = files_of(out)
    report = segment_files([*second, *first], out, segmenter)
    assert (report.done, report.skipped) == (0, 2)
    assert files_of(out).keys() == before.keys()


def test_photos_done_are_left_alone(tmp_path, segmenter, paint_photos):
    photos, out = paint_photos(3), tmp_path / "out"
    segment_files(photos[:2], out, segmenter)
    before, tables = files_of(out), pd.read_csv(out / "leaves.csv")
    segmenter.looked_at = 0
    report = segment_files(photos, out, segmenter)
    assert (report.done, report.skipped, report.leaves) == (1, 2, 3)
    assert segmenter.looked_at == 1
    after = files_of(out)
    for name in results_of("plant0") | results_of("plant1"):
        assert after[name] == before[name]
    pd.testing.assert_frame_equal(pd.read_csv(out / "leaves.csv").iloc[:6], tables)
    assert settings_of_run(out / "run.toml").photos == photos


def test_a_photo_changed_since_is_done_again(tmp_path, segmenter, paint_photos):
    photos, out = paint_photos(2), tmp_path / "out"
    segment_files(photos, out, segmenter)
    write_image(photos[0], paint(two_plants(7)))
    report = segment_files(photos, out, segmenter)
    assert (report.done, report.skipped) == (1, 1)
    np.testing.assert_array_equal(read_labels(out / "plant0_label.png"), two_plants(7))
    assert pd.read_csv(out / "leaves.csv")["area_px"].tolist() == [288, 192, 20 * 17, 288, 192, 20 * 23]


def test_a_photo_replaced_by_one_that_fails_has_no_rows_and_one_that_is_away_keeps_them(
    tmp_path, segmenter, paint_photos
):
    photos, out = paint_photos(2), tmp_path / "out"
    segment_files(photos, out, segmenter)
    photos[0].write_text("not a picture")
    photos[1].rename(tmp_path / "away.png")
    report = segment_files(photos, out, segmenter)
    assert (report.done, len(report.errors)) == (0, 2)
    assert pd.read_csv(out / "photos.csv")["photo"].tolist() == ["plant1"]
    assert pd.read_csv(out / "leaves.csv")["photo"].tolist() == ["plant1"] * 3


def test_a_photo_that_changed_has_no_rows_where_it_is_not_done_again(tmp_path, segmenter, paint_photos):
    photos, out = paint_photos(2), tmp_path / "out"
    segment_files(photos, out, segmenter)
    write_image(photos[1], paint(two_plants(7)))
    segmenter.find = interrupt
    with pytest.raises(KeyboardInterrupt):
        segment_files(photos, out, segmenter)
    assert finished(out) == set(pd.read_csv(out / "photos.csv")["photo"]) == {"plant0"}


@pytest.mark.parametrize(("old", "new"), [(".png", ".tif"), (".tif", ".png")])
def test_no_label_map_of_another_ending_stays_beside_the_new_one(
    tmp_path, segmenter, paint_photos, monkeypatch, old, new
):
    photos, out = paint_photos(1), tmp_path / "out"
    for suffix in (old, new):  # as with few leaves, and with more than 65,535

        def write(path, labels, suffix=suffix):
            return write_labels(path.with_suffix(suffix), labels)

        monkeypatch.setattr(finish, "write_labels", write)
        segment_files(photos, out, segmenter, overwrite=True)
        assert [path.name for path in out.glob("*_label.*")] == [f"plant0_label{suffix}"]


@pytest.mark.parametrize("lost", ["plant0_label.png", "plant0_overlay.png"])
def test_a_photo_whose_result_is_gone_is_done_again(tmp_path, segmenter, paint_photos, lost):
    photos, out = paint_photos(2), tmp_path / "out"
    segment_files(photos, out, segmenter)
    (out / lost).unlink()
    report = segment_files(photos, out, segmenter)
    assert (report.done, report.skipped) == (1, 1)
    assert (out / lost).is_file()


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: "null",
        lambda text: '{"name": "plant0"}',
        lambda text: text.replace('"name"', '"nom"'),
        lambda text: "\0\udcff",
    ],
    ids=["cut short", "empty", "list", "null", "fields missing", "field unknown", "no text"],
)
def test_a_damaged_record_counts_as_not_done(tmp_path, segmenter, paint_photos, damage):
    photos, out = paint_photos(2), tmp_path / "out"
    segment_files(photos, out, segmenter)
    record, tables = out / ".leafwise" / "plant0.json", pd.read_csv(out / "leaves.csv")
    record.write_text(damage(record.read_text()), errors="surrogateescape")
    report = segment_files(photos, out, segmenter)
    assert (report.done, report.skipped) == (1, 1)
    pd.testing.assert_frame_equal(pd.read_csv(out / "leaves.csv"), tables)


def test_overwrite_does_all_again(tmp_path, segmenter, paint_photos):
    photos, out = paint_photos(2), tmp_path / "out"
    segment_files(photos, out, segmenter)
    for i in range(2):
        write_labels(out / f"plant{i}_label.png", np.ones((32, 64), int))
    report = segment_files(photos, out, segmenter, overwrite=True)
    assert (report.done, report.skipped) == (2, 0)
    np.testing.assert_array_equal(read_labels(out / "plant1_label.png"), two_plants(1))


def other_settings(segmenter):
    clustering = replace(segmenter.settings.clustering, min_cluster_size=26)
    return ColorSegmenter(segmenter.model, replace(segmenter.settings, clustering=clustering))


def other_model(segmenter, folder):
    shutil.copytree(segmenter.model.folder, folder)
    with (folder / "embedding.onnx").open("ab") as file:
        file.write(b"\x8a\x01\x00")  # an empty field unknown to ONNX: the same network in other bytes
    return ColorSegmenter(load_model(folder, threads=1))


@pytest.mark.parametrize("other", ["model", "settings"])
def test_results_of_another_model_or_other_settings_are_not_mixed(tmp_path, segmenter, paint_photos, other):
    photos, out = paint_photos(3), tmp_path / "out"
    segment_files(photos[:2], out, segmenter)
    before = files_of(out)
    second = other_settings(segmenter) if other == "settings" else other_model(segmenter, tmp_path / "other")
    with pytest.raises(OutputError, match=r"another model or other settings.*--overwrite"):
        segment_files(photos, out, second)
    assert files_of(out) == before
    with pytest.raises(OutputError, match=r"plant1 .* would stay as another model, other settings or"):
        segment_files(photos[:1], out, second, overwrite=True)
    assert files_of(out) == before
    # what is not yet done again does not stay in the tables, nor count as done by the second
    with pytest.raises(KeyboardInterrupt):
        segment_files(photos, out, second, overwrite=True, on_progress=interrupt)
    done = finished(out)
    assert set(pd.read_csv(out / "leaves.csv")["photo"]) == done <= {"plant0", "plant1", "plant2"}
    report = segment_files(photos, out, second)
    assert (report.done, report.skipped) == (3 - len(done), len(done))
    assert set(pd.read_csv(out / "plants.csv")["photo"]) == {"plant0", "plant1", "plant2"}


def test_results_of_another_version_are_not_mixed(tmp_path, segmenter, paint_photos, monkeypatch):
    photos, out = paint_photos(2), tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(leafwise, "__version__", "0.0.9")
        segment_files(photos, out, segmenter)
    assert_all_are_done_again_if_asked_for(
        photos, out, segmenter, r"another version of leafwise \(0\.0\.9, this is .*--overwrite"
    )
    assert segment_files(photos, out, segmenter).skipped == 2


def assert_all_are_done_again_if_asked_for(photos, out, segmenter, refusal):
    """Two photos in a folder that is refused, and as it was, unless both are to be written over."""
    before = files_of(out)
    with pytest.raises(OutputError, match=refusal):
        segment_files(photos, out, segmenter)
    with pytest.raises(OutputError, match=r"plant1 .* would stay"):
        segment_files(photos[:1], out, segmenter, overwrite=True)
    assert files_of(out) == before
    assert segment_files(photos, out, segmenter, overwrite=True).done == 2


def test_a_copy_of_the_model_is_the_same_model(tmp_path, segmenter, paint_photos):
    photos, out = paint_photos(1), tmp_path / "out"
    segment_files(photos, out, segmenter)
    copy = shutil.copytree(segmenter.model.folder, tmp_path / "copy")
    assert segment_files(photos, out, ColorSegmenter(load_model(copy, threads=1))).skipped == 1


def test_run_toml_says_how_it_was_made(tmp_path, segmenter, paint_photos):
    photos, out = paint_photos(2), tmp_path / "out"
    segment_files(photos, out, segmenter)
    run = tomllib.loads((out / "run.toml").read_text())
    assert run["leafwise_version"] == leafwise.__version__
    assert run["photos"] == [str(photo) for photo in photos]
    assert run["model"]["name"] == "tiny"
    assert (run["clustering"]["min_cluster_size"], run["looks"]["input_size"]) == (25, 384)
    read = settings_of_run(out / "run.toml")
    assert (read.model, read.settings, read.photos) == (
        str(segmenter.model.folder),
        segmenter.settings,
        photos,
    )


def test_photos_that_cannot_be_segmented_cost_one_line_each(tmp_path, segmenter, paint_photos):
    photos, out = paint_photos(6), tmp_path / "out"
    photos[1].write_text("not a picture at all")
    write_image(photos[4], np.zeros((1, 1, 3), np.uint8))
    photos[5].unlink()
    steps = []
    report = segment_files(photos, out, segmenter, on_progress=steps.append)
    assert report.done == 3
    assert [line.split(":")[0] for line in report.errors] == [str(photos[i]) for i in (1, 4, 5)]
    assert not any("\n" in line for line in report.errors)
    assert {step.photo for step in steps if step.error} == {photos[i] for i in (1, 4, 5)}
    assert set(pd.read_csv(out / "leaves.csv")["photo"]) == {"plant0", "plant2", "plant3"}


@pytest.mark.skipif(os.name == "nt", reason="names of Windows are no bytes")
def test_names_that_are_not_utf8_cost_one_line_each(tmp_path, segmenter, paint_photos):
    photos, out = paint_photos(3), tmp_path / "out"
    latin = os.fsdecode(b"pfl\xe4nze")
    try:
        photos[0] = photos[0].rename(photos[0].with_name(f"{latin}.png"))
        (tmp_path / latin).mkdir()
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    photos[1] = photos[1].rename(tmp_path / latin / "plant1.png")
    report = segment_files(photos, out, segmenter)
    assert report.done == 1
    assert [line.split(": ")[0] for line in report.errors] == [
        str(tmp_path / "photos" / "pfl\ufffdnze.png"),
        str(tmp_path / "pfl\ufffdnze" / "plant1.png"),
    ]
    assert all(line.endswith("rename the file or folder") for line in report.errors)
    assert settings_of_run(out / "run.toml").photos == photos[2:]
    assert pd.read_csv(out / "photos.csv")["photo"].tolist() == ["plant2"]


def test_a_photo_over_the_limit_is_not_decoded(tmp_path, segmenter, paint_photos):
    photos = paint_photos(2)
    write_image(photos[0], np.zeros((50, 50, 3), np.uint8))
    report = segment_files(photos, tmp_path / "out", segmenter, max_pixels=2499)
    assert report.done == 1
    assert "50 x 50 pixels, past the limit of 0.002499 megapixels" in report.errors[0]


def test_a_dark_photo_is_shown_as_bright_as_it_was_seen(tmp_path, segmenter):
    rng = np.random.default_rng(0)
    write_image(tmp_path / "dark.png", np.repeat(rng.integers(0, 40, (50, 60, 1), dtype=np.uint8), 3, axis=2))
    settings = segmenter.settings
    stretching = replace(settings, looks=replace(settings.looks, stretch=True))
    for out, used in (("as_it_is", settings), ("stretched", stretching)):
        segment_files([tmp_path / "dark.png"], tmp_path / out, type(segmenter)(segmenter.model, used))
    assert read_image(tmp_path / "as_it_is" / "dark_overlay.png").max() < 40
    assert read_image(tmp_path / "stretched" / "dark_overlay.png").max() >= 254


@pytest.mark.parametrize(("in_flight", "most"), [(5000, 1), (1 << 30, 4)])
def test_few_photos_wait_for_a_process_where_they_are_large(
    tmp_path, segmenter, paint_photos, monkeypatch, in_flight, most
):
    waiting = []

    def wait(pending, **options):
        waiting.append(len(pending))
        return futures.wait(pending, **options)

    monkeypatch.setattr(files, "wait", wait)
    monkeypatch.setattr(files, "IN_FLIGHT", in_flight)
    report = segment_files(paint_photos(6), tmp_path / "out", segmenter, workers=2)
    assert report.done == 6
    assert max(waiting) <= most + 1  # one more has been handed over
    assert (max(waiting) == 1) == (in_flight == 5000)  # a photo has more bytes, and fewer pixels


def test_an_unforeseen_failure_with_one_photo_is_one_line_too(tmp_path, segmenter, paint_photos, monkeypatch):
    def measure(image, labels):
        if labels[10, 58]:  # plant0 and plant1 reach there
            raise ZeroDivisionError("first line\nsecond line")
        return pd.DataFrame()

    monkeypatch.setattr(finish, "measure_leaves", measure)
    report = segment_files(paint_photos(3), tmp_path / "out", segmenter)
    assert report.done == 1
    assert len(report.errors) == 2
    for line in report.errors:
        assert "unexpected ZeroDivisionError: first line" in line
        assert "\n" not in line


@pytest.mark.parametrize("after", [0, 1, 5])
def test_stopped_half_way_the_tables_hold_what_is_done_and_the_next_run_goes_on(
    tmp_path, segmenter, paint_photos, after
):
    photos, out = paint_photos(6), tmp_path / "out"

    before_that = iter(range(after))

    def stop(step):
        if next(before_that, None) is None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        segment_files(photos, out, segmenter, on_progress=stop)
    done = finished(out)
    assert after + 1 <= len(done) <= 6
    assert set(pd.read_csv(out / "leaves.csv")["photo"]) == done
    report = segment_files(photos, out, segmenter)
    assert (report.skipped, report.done) == (len(done), 6 - len(done))
    assert files_of(out).keys() == TABLES.union(*(results_of(f"plant{i}") for i in range(6)))
    assert len(pd.read_csv(out / "leaves.csv")) == 18


@pytest.fixture
def disk_full_after(monkeypatch):
    """Lets a number of files be written; any further one gets half its content and the system's error."""

    @contextlib.contextmanager
    def fill(n_files):
        left = iter(range(n_files))
        with monkeypatch.context() as patch:
            for kind in (Path.write_bytes, Path.write_text):

                def write(path, content, *args, _write=kind, **kwargs):
                    if next(left, None) is None:
                        _write(path, content[: len(content) // 2], *args, **kwargs)
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                    return _write(path, content, *args, **kwargs)

                patch.setattr(Path, kind.__name__, write)
            yield

    return fill


@pytest.mark.parametrize("n_writes", [0, 1, 2, 3, 4, 5, 12, 1 + 4 * 6, 2 + 4 * 6, 3 + 4 * 6])
def test_a_full_disk_stops_the_batch_with_one_line_and_leaves_no_halves(
    tmp_path, segmenter, paint_photos, disk_full_after, n_writes
):
    """In order: run.toml; for each photo a record, label map, overlay and the record anew; the three tables."""
    photos, out = paint_photos(6), tmp_path / "out"
    with disk_full_after(n_writes), pytest.raises(OutputError, match="no space left on the disk") as failure:
        segment_files(photos, out, segmenter)
    assert "\n" not in str(failure.value)
    there = files_of(out)
    n_done, rest = divmod(max(min(n_writes - 1, 24), 0), 4)
    n_tables = max(n_writes - 25, 0)
    assert len(there) == min(n_writes, 1) + 3 * n_done + rest + n_tables  # no temporary ones either
    for path in out.glob("*_label.png"):
        np.testing.assert_array_equal(read_labels(path), two_plants(int(path.name[5])))
    report = segment_files(photos, out, segmenter)
    assert (report.errors, report.skipped) == ([], n_done)
    assert len(pd.read_csv(out / "leaves.csv")) == 18


def test_an_output_folder_that_cannot_be_is_refused_before_any_work(tmp_path, segmenter, paint_photos):
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError, match="file"):
            segment_files(paint_photos(1), out, segmenter)
    assert segmenter.looked_at == 0
    assert (tmp_path / "file").read_text() == "mine"


def test_two_processes_find_what_one_finds(tmp_path, segmenter, paint_photos):
    photos = paint_photos(5)
    photos[3].write_text("not a picture")
    one = segment_files(photos, tmp_path / "one", segmenter, workers=1)
    two = segment_files(photos, tmp_path / "two", segmenter, workers=2)
    assert one == two
    assert files_of(tmp_path / "one").keys() == files_of(tmp_path / "two").keys()
    for name in files_of(tmp_path / "one").keys() - {"run.toml"}:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def kill_workers():
    for process in multiprocessing.active_children():
        process.kill()


@pytest.mark.parametrize("during", ["finishing", "looking"])
def test_a_process_that_is_killed_is_told_of_in_one_line(
    tmp_path, segmenter, paint_photos, during, monkeypatch
):
    photos, out = paint_photos(12), tmp_path / "out"
    find = segmenter.find

    def kill_and_find(image):
        kill_workers()
        return find(image)

    if during == "looking":
        monkeypatch.setattr(segmenter, "find", kill_and_find)
    on_progress = (lambda step: kill_workers()) if during == "finishing" else (lambda step: None)
    with pytest.raises(LeafwiseError, match=r"want of memory.*--workers 1") as failure:
        segment_files(photos, out, segmenter, workers=2, on_progress=on_progress)
    assert "\n" not in str(failure.value)
    done = finished(out)
    assert set(pd.read_csv(out / "leaves.csv")["photo"]) == done
    monkeypatch.undo()
    assert segment_files(photos, out, segmenter).skipped == len(done)


@pytest.mark.parametrize(
    "name",
    ["plant1_label.png", "plant1_label.tif", "plant1_overlay.png", "leaves.csv", "plants.csv", "photos.csv"],
)
def test_files_that_are_not_of_leafwise_are_never_written_over(tmp_path, segmenter, paint_photos, name):
    photos = paint_photos(2)
    mine = photos[0].with_name(name)  # the truth, say, beside its photo
    mine.write_text("mine")
    with pytest.raises(OutputError, match=f"{name}: is there already and not of leafwise"):
        segment_files(photos, mine.parent, segmenter)
    with pytest.raises(OutputError):
        segment_files(photos, mine.parent, segmenter, overwrite=True)
    assert mine.read_text() == "mine"
    mine.unlink()
    assert segment_files(photos, mine.parent, segmenter).done == 2  # beside the photos, why not
    assert segment_files(photos, mine.parent, segmenter).skipped == 2


def test_nor_are_those_of_a_photo_that_is_added_later(tmp_path, segmenter, paint_photos):
    photos = paint_photos(2)
    segment_files(photos[:1], photos[0].parent, segmenter)
    mine = photos[0].with_name("plant1_label.png")
    mine.write_text("mine")
    with pytest.raises(OutputError, match=r"plant1_label\.png: is there already and not of leafwise"):
        segment_files(photos, mine.parent, segmenter)
    assert mine.read_text() == "mine"


def test_photos_of_the_same_bytes_keep_their_names_when_they_move(tmp_path, segmenter, paint_photos):
    photos = paint_photos(2)
    photos[1].write_bytes(photos[0].read_bytes())
    segment_files(photos, tmp_path / "out", segmenter)
    moved = photos[0].parent.rename(tmp_path / "elsewhere")
    assert segment_files(sorted(moved.iterdir()), tmp_path / "out", segmenter).skipped == 2
    files = pd.read_csv(tmp_path / "out" / "photos.csv").set_index("photo")["file"]
    assert {name: Path(file).stem for name, file in files.items()} == {"plant0": "plant0", "plant1": "plant1"}


def test_a_photo_that_failed_has_no_claim_on_a_name(tmp_path, segmenter, paint_photos):
    (photo,) = paint_photos(1)
    good = photo.read_bytes()
    photo.write_text("damaged")
    segment_files([photo], tmp_path / "out", segmenter)
    photo.write_bytes(good)
    (tmp_path / "out" / "plant0_label.png").write_text("mine, by hand")
    with pytest.raises(OutputError, match="not of leafwise"):
        segment_files([photo], tmp_path / "out", segmenter)


def test_what_a_killed_process_was_about_to_write_is_no_record(tmp_path, segmenter, paint_photos):
    (tmp_path / "out" / ".leafwise").mkdir(parents=True)
    (tmp_path / "out" / ".leafwise" / f".{'01' * 16}.tmp.json").write_text("{")
    (tmp_path / "out" / "leaves.csv").write_text("mine")
    with pytest.raises(OutputError, match="leaves"):
        segment_files(paint_photos(1), tmp_path / "out", segmenter)


def test_a_photo_may_be_named_as_temporary_files_are(tmp_path, segmenter, paint_photos):
    photo = paint_photos(1)[0].rename(tmp_path / "scan.tmp.png")
    segment_files([photo], tmp_path / "out", segmenter)
    assert pd.read_csv(tmp_path / "out" / "photos.csv")["photo"].tolist() == ["scan.tmp"]
    assert segment_files([photo], tmp_path / "out", segmenter).skipped == 1


def test_a_folder_that_was_moved_is_not_done_again(tmp_path, segmenter, paint_photos):
    photos = paint_photos(4)
    good = photos[3].read_bytes()
    photos[3].write_text("damaged")
    segment_files(photos, tmp_path / "out", segmenter)
    photos[3].write_bytes(good)  # put right, and then
    moved = photos[0].parent.rename(tmp_path / "elsewhere")
    (tmp_path / "out").rename(tmp_path / "away")
    report = segment_files([moved / photo.name for photo in photos], tmp_path / "away", segmenter)
    assert (report.done, report.skipped) == (1, 3)
    table = pd.read_csv(tmp_path / "away" / "photos.csv")
    assert table["photo"].tolist() == ["plant0", "plant1", "plant2", "plant3"]
    assert all(Path(file).is_file() for file in table["file"])


def test_photos_that_have_moved_are_named_in_run_toml_where_they_are_now(tmp_path, segmenter, paint_photos):
    photos, out = [*paint_photos(2, "monday"), *paint_photos(2, "tuesday")], tmp_path / "out"
    segment_files(photos, out, segmenter)
    moved = photos[0].parent.rename(tmp_path / "elsewhere")
    there = [moved / "plant0.png", moved / "plant1.png"]
    with pytest.raises(OutputError):
        segment_files(there, out, other_settings(segmenter))  # changes nothing
    segment_files(there, out, segmenter)
    assert settings_of_run(out / "run.toml").photos == [*there, *photos[2:]]


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b""), Path.unlink], ids=["empty", "gone"])
def test_where_run_toml_says_nothing_photos_that_are_done_are_done_again_if_asked_for(
    tmp_path, segmenter, paint_photos, spoil
):
    photos, out = paint_photos(2), tmp_path / "out"
    segment_files(photos, out, segmenter)
    spoil(out / "run.toml")
    assert_all_are_done_again_if_asked_for(
        photos, out, segmenter, r"run\.toml is empty or gone; .*--overwrite"
    )
    assert settings_of_run(out / "run.toml").photos == photos


def test_an_empty_run_toml_is_no_obstacle_where_nothing_is_done(tmp_path, segmenter, paint_photos):
    photos, out = paint_photos(2), tmp_path / "out"
    (out / ".leafwise").mkdir(parents=True)
    (out / "run.toml").touch()
    assert segment_files(photos, out, segmenter).done == 2


@pytest.mark.parametrize("content", ["model = 'x'\n", "not toml", "photos = 3\n"])
def test_a_foreign_run_toml_is_refused(tmp_path, segmenter, paint_photos, content):
    (tmp_path / "run.toml").write_text(content)
    with pytest.raises(OutputError, match=r"run.toml: is not of leafwise segment"):
        segment_files(paint_photos(1), tmp_path, segmenter)
    assert (tmp_path / "run.toml").read_text() == content


def test_a_photo_that_fails_in_the_networks_costs_one_line(tmp_path, segmenter, paint_photos, monkeypatch):
    photos, look_at = paint_photos(5), segmenter.look_at
    bad = read_image(photos[2])

    def fail(image, views):
        if np.array_equal(image, bad):
            raise RuntimeError("no memory")
        return look_at(image, views)

    monkeypatch.setattr(segmenter, "look_at", fail)
    report = segment_files(photos, tmp_path / "out", segmenter)
    assert report.done == 4
    assert len(report.errors) == 1
    assert report.errors[0].startswith(f"{photos[2]}: unexpected RuntimeError: no memory")


@pytest.mark.parametrize("workers", [1, 2])
def test_large_photos_are_finished_in_this_process_and_come_out_the_same(
    tmp_path, segmenter, paint_photos, monkeypatch, workers
):
    photos = paint_photos(7)
    write_image(photos[2], np.tile(paint(two_plants()), (1, 3, 1)))
    write_image(photos[5], np.tile(paint(two_plants(3)), (1, 4, 1)))
    segment_files(photos, tmp_path / "small", segmenter)
    monkeypatch.setattr(files, "MOST_PIXELS", 5000)
    sent = []
    monkeypatch.setattr(files, "finish_photo", partial(finish_and_note, sent=sent))
    looked_at = segmenter.looked_at
    report = segment_files(photos, tmp_path / "large", segmenter)
    assert report.done == 7
    assert segmenter.looked_at == looked_at + 7
    assert sent == [f"plant{i}" for i in range(7)]
    monkeypatch.setattr(files, "finish_photo", finish.finish_photo)
    segment_files(photos, tmp_path / "pool", segmenter, workers=workers)
    for out in (tmp_path / "large", tmp_path / "pool"):
        for name in (*TABLES - {"run.toml"}, *(f"plant{i}_label.png" for i in range(7))):
            assert (out / name).read_bytes() == (tmp_path / "small" / name).read_bytes()


def finish_and_note(job, sent, **rest):
    sent.append(job.name)
    return finish.finish_photo(job, **rest)


def test_photos_are_finished_here_where_their_embeddings_are_many(
    tmp_path, segmenter, paint_photos, monkeypatch
):
    done_here = []

    def submit(self, job, *, here=False):
        done_here.append(here)
        return submit_as_ever(self, job, here=here)

    submit_as_ever = files._Finishers.submit
    monkeypatch.setattr(files._Finishers, "submit", submit)
    photos = paint_photos(1)
    image = read_image(photos[0])
    size = image.nbytes + sum(plant.embeddings.nbytes for plant in segmenter.look(image))
    for most, here in ((size, False), (size - 1, True), (image.nbytes, True)):
        monkeypatch.setattr(files, "MOST_SENT", most)
        out = tmp_path / str(most)
        segment_files(photos, out, segmenter)
        assert done_here.pop() is here
        label = "plant0_label.png"
        assert (out / label).read_bytes() == (tmp_path / str(size) / label).read_bytes()


def test_photos_wait_to_be_read_where_those_before_are_large(tmp_path, segmenter, paint_photos, monkeypatch):
    monkeypatch.setattr(files, "MOST_PIXELS", 2000)  # every photo has 2048
    read_before = []
    photos = paint_photos(6)
    read = files.read_image

    def read_and_note(photo, **rest):
        read_before.append(segmenter.looked_at)
        return read(photo, **rest)

    monkeypatch.setattr(files, "read_image", read_and_note)
    assert segment_files(photos, tmp_path / "out", segmenter).done == 6
    assert read_before == [0, 1, 2, 3, 4, 5]  # none while another is held


def test_a_batch_that_ends_early_does_not_wait_for_photos_held_back(
    tmp_path, segmenter, paint_photos, monkeypatch
):
    monkeypatch.setattr(files, "MOST_PIXELS", 2000)

    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        segment_files(paint_photos(6), tmp_path / "out", segmenter, on_progress=stop)
