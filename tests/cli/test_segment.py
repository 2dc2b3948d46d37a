"""`leafwise segment` as a user sees it: what lies in the folder, what is said, and the exit status."""

import os
import shutil
import signal
import struct
import subprocess
import sys
import tomllib
import zlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from shell import errors_of, leafwise, refused

from leafwise.batch.records import UNFINISHED, read_records
from leafwise.config import PipelineSettings
from leafwise.imaging import read_image, read_labels, write_image
from leafwise.models import read_card, write_card
from leafwise.segmenter import Segmenter


def finished(out):
    """The names of the photos that are done."""
    return {name for name, record in read_records(out).items() if record.digest != UNFINISHED}


TABLES = {"leaves.csv", "plants.csv", "photos.csv", "run.toml"}


@pytest.fixture
def segment(leafy_model):
    """Segments with the leafy model, in this process."""
    return lambda *arguments: leafwise("segment", *arguments, "--model", leafy_model, "--workers", 1)


@pytest.fixture
def segment_in_vain(leafy_model):
    return lambda *arguments: refused("segment", *arguments, "--model", leafy_model, "--workers", 1)


@pytest.fixture(scope="module")
def done(photos, leafy_model, tmp_path_factory):
    """The results for `photos`, as two processes made them; not to be changed."""
    out = tmp_path_factory.mktemp("done") / "new" / "folder"
    result = leafwise("segment", photos, "--out", out, "--model", leafy_model, "--workers", 2)
    assert result.exit_code == 0
    assert "6 photos segmented" in result.stdout
    assert f"look at {out}/*_overlay.png" in result.stdout
    assert errors_of(result.stderr) == []
    return out


@pytest.fixture
def resumable(done, tmp_path):
    """A copy of `done`, which may be changed."""
    return shutil.copytree(done, tmp_path / "out")


def files_of(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in files}


def test_each_photo_has_a_label_map_of_its_own_size_and_an_overlay(done, photos):
    for i in range(6):
        with Image.open(done / f"plant{i}_label.png") as labels:
            assert (labels.format, labels.mode, labels.size) == ("PNG", "I;16", (101, 96))
        photo, overlay = read_image(photos / f"plant{i}.png"), read_image(done / f"plant{i}_overlay.png")
        assert overlay.shape == photo.shape
        changed = (overlay != photo).any(axis=2).mean()
        assert 0 < changed < 0.9


def test_there_is_nothing_but_the_results(done):
    results = {f"plant{i}{end}" for i in range(6) for end in ("_label.png", "_overlay.png")}
    records = {f".leafwise/plant{i}.json" for i in range(6)}
    assert files_of(done).keys() == TABLES | results | records


def test_leaves_in_the_table_are_those_in_the_maps(done):
    table = pd.read_csv(done / "leaves.csv")
    assert set(table["photo"]) == {f"plant{i}" for i in range(6)}
    assert len(table) > 6  # or the network finds too little to test anything
    for name, leaves in table.groupby("photo"):
        labels = read_labels(done / f"{name}_label.png")
        assert leaves["leaf"].tolist() == list(range(1, labels.max() + 1))
        assert leaves["area_px"].tolist() == np.bincount(labels.ravel())[1:].tolist()
        for leaf in leaves.itertuples():
            rows, cols = np.nonzero(labels == leaf.leaf)
            assert leaf.centroid_row_px == pytest.approx(rows.mean(), rel=1e-5)
            assert leaf.centroid_col_px == pytest.approx(cols.mean(), rel=1e-5)
            assert (leaf.bbox_top_px, leaf.bbox_left_px) == (rows.min(), cols.min())
            assert (leaf.bbox_bottom_px, leaf.bbox_right_px) == (rows.max() + 1, cols.max() + 1)


def test_plants_in_the_table_are_sums_of_their_leaves(done):
    leaves, plants = pd.read_csv(done / "leaves.csv"), pd.read_csv(done / "plants.csv")
    sums = leaves.groupby(["photo", "plant"])["area_px"].agg(["count", "sum"]).reset_index()
    assert plants[["photo", "plant"]].values.tolist() == sums[["photo", "plant"]].values.tolist()
    assert plants["leaf_count"].tolist() == sums["count"].tolist()
    assert plants["area_px"].tolist() == sums["sum"].tolist()


def test_the_command_finds_what_python_finds(done, photos, leafy_model):
    segmenter = Segmenter.from_pretrained(leafy_model)
    for i in range(6):
        labels = segmenter.segment(read_image(photos / f"plant{i}.png")).labels
        np.testing.assert_array_equal(read_labels(done / f"plant{i}_label.png"), labels)


def test_one_process_finds_what_two_find(segment, done, photos, tmp_path):
    assert segment(photos, "--out", tmp_path).exit_code == 0
    assert files_of(tmp_path).keys() == files_of(done).keys()
    for name in files_of(done):
        assert (tmp_path / name).read_bytes() == (done / name).read_bytes(), name


def test_photos_done_are_skipped(segment, resumable, photos):
    before = files_of(resumable)
    result = segment(photos, "--out", resumable)
    assert result.exit_code == 0
    assert "0 photos segmented, 6 done before" in result.stdout
    after = files_of(resumable)
    assert {name for name in after if after[name] != before[name]} <= TABLES


def test_overwrite_does_photos_again(segment, resumable, photos):
    before = files_of(resumable)
    result = segment(photos / "plant2.png", photos / "plant4.png", "--out", resumable, "--overwrite")
    assert "2 photos segmented," in result.stdout
    after = files_of(resumable)
    changed = {name for name in after if after[name] != before[name]} - TABLES
    results = {f"plant{i}_{kind}.png" for i in (2, 4) for kind in ("label", "overlay")}
    assert changed == results | {".leafwise/plant2.json", ".leafwise/plant4.json"}


def test_other_settings_in_the_same_folder_are_refused(segment_in_vain, resumable, photos):
    before = files_of(resumable)
    line = segment_in_vain(photos, "--out", resumable, "--set", "clustering.min_samples=4")
    assert f"{resumable}: holds the results of another model or other settings" in line
    assert files_of(resumable) == before


def test_another_model_in_the_same_folder_is_refused(resumable, photos, leafy_model, tmp_path):
    other = shutil.copytree(leafy_model, tmp_path / "other")
    with (other / "embedding.onnx").open("ab") as file:
        file.write(b"\x8a\x01\x00")  # an empty field unknown to ONNX: the same network in other bytes
    line = refused("segment", photos, "--out", resumable, "--model", other, "--workers", 1)
    assert "--overwrite" in line


def test_like_repeats_a_run(done, photos, tmp_path):
    result = leafwise("segment", "--like", done / "run.toml", "--out", tmp_path, "--workers", 1)
    assert result.exit_code == 0
    for name in files_of(done):
        assert (tmp_path / name).read_bytes() == (done / name).read_bytes(), name


def test_like_refuses_a_model_that_was_trained_anew_since(photos, leafy_model, tmp_path):
    model = shutil.copytree(leafy_model, tmp_path / "model")
    first = ("segment", photos / "plant3.png", "--out", tmp_path / "a", "--model", model, "--workers", 1)
    assert leafwise(*first).exit_code == 0
    with (model / "embedding.onnx").open("ab") as file:
        file.write(b"\x8a\x01\x00")  # an empty field unknown to ONNX: the same network in other bytes
    again = ("segment", "--like", tmp_path / "a" / "run.toml", "--out", tmp_path / "b", "--workers", 1)
    line = refused(*again)
    assert f"{model}: has other weights now" in line
    assert "--model" in line
    assert not (tmp_path / "b").exists()
    assert leafwise(*again, "--model", model).exit_code == 0


def test_like_takes_other_photos_and_changes_too(done, photos, tmp_path):
    few = ("segment", photos / "plant3.png", "--like", done / "run.toml", "--workers", 1)
    assert leafwise(*few, "--out", tmp_path / "a").exit_code == 0
    assert leafwise(*few, "--out", tmp_path / "b", "--set", "clustering.min_cluster_size=400").exit_code == 0
    assert (tmp_path / "a" / "plant3_label.png").read_bytes() == (done / "plant3_label.png").read_bytes()
    found = [read_labels(tmp_path / out / "plant3_label.png").max() for out in "ab"]
    assert found[1] < found[0]
    runs = [tomllib.loads((tmp_path / out / "run.toml").read_text()) for out in "ab"]
    assert runs[1]["clustering"].pop("min_cluster_size") == 400
    assert runs[0]["clustering"].pop("min_cluster_size") == 10
    assert runs[0] == runs[1]


def test_a_pipeline_of_ones_own_is_taken_and_repeated_with_like(segment, photos, tmp_path):
    steps = ("--pipeline", "seeded+mrf", "--set", "refine.mrf_reduction=2")
    assert segment(photos / "plant3.png", "--out", tmp_path / "a", *steps).exit_code == 0
    run = tomllib.loads((tmp_path / "a" / "run.toml").read_text())
    assert (run["pipeline"], run["refine"]["mrf_reduction"]) == ({"steps": "seeded+mrf"}, 2)
    again = leafwise(
        "segment", "--like", tmp_path / "a" / "run.toml", "--out", tmp_path / "b", "--workers", 1
    )
    assert again.exit_code == 0
    for name in files_of(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_a_pipeline_that_cannot_be_is_refused_in_one_line(segment_in_vain, photos, tmp_path):
    out = tmp_path / "out"
    assert "it is 'kmeans'" in segment_in_vain(photos, "--out", out, "--pipeline", "kmeans")
    line = segment_in_vain(photos, "--out", out, "--pipeline", "hdbscan+cluster_net")
    assert "has no ClusterNet for the pipeline hdbscan+cluster_net" in line
    assert not out.exists()


@pytest.mark.parametrize("command", ["segment", "explain"])
def test_a_pipeline_may_replace_one_that_the_model_cannot_take(photos, leafy_model, tmp_path, command):
    model = shutil.copytree(leafy_model, tmp_path / "model")
    card = read_card(model)
    write_card(replace(card, pipeline=PipelineSettings("seeded+cluster_net")), model)
    arguments = (command, photos / "plant0.png", "--out", tmp_path / "out", "--model", model)
    assert "has no ClusterNet for the pipeline seeded+cluster_net" in refused(*arguments)
    assert leafwise(*arguments, "--pipeline", "seeded").exit_code == 0


def test_one_plant_is_a_setting_like_any_other(segment, photos, tmp_path):
    segment(photos / "plant0.png", "--out", tmp_path, "--one-plant")
    assert tomllib.loads((tmp_path / "run.toml").read_text())["looks"]["one_plant"] is True


def test_two_photos_of_one_stem_keep_both_results(segment, photos, tmp_path):
    for folder, plant in (("monday", 0), ("tuesday", 1)):
        (tmp_path / folder).mkdir()
        shutil.copy(photos / f"plant{plant}.png", tmp_path / folder / "plant.png")
    out = tmp_path / "out"
    assert segment(tmp_path / "monday", tmp_path / "tuesday", "--out", out).exit_code == 0
    segmented = {path.name for path in out.glob("*_label.png")}
    assert segmented == {"plant_label.png", "tuesday_plant_label.png"}
    assert (out / "plant_overlay.png").read_bytes() != (out / "tuesday_plant_overlay.png").read_bytes()


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bomb(path, side=20_000):
    """A PNG of 20,000 x 20,000 black pixels in 50 kB."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(side * (1 + side // 8)), 9)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def test_bad_photos_cost_one_line_each_and_the_others_come_out(segment, photos, tmp_path):
    folder, out = tmp_path / "photos", tmp_path / "out"
    folder.mkdir()
    shutil.copy(photos / "plant0.png", folder / "good1.png")
    shutil.copy(photos / "plant1.png", folder / "good2.png")
    (folder / "text.png").write_text("Dear diary")
    (folder / "nothing.png").touch()
    write_image(folder / "cut.jpg", read_image(photos / "plant0.png"))
    (folder / "cut.jpg").write_bytes((folder / "cut.jpg").read_bytes()[:700])
    write_image(folder / "dot.png", np.zeros((1, 1, 3), np.uint8))
    bomb(folder / "bomb.png")
    result = segment(folder, folder / "missing.png", "--out", out)
    assert result.exit_code == 1
    assert "2 photos segmented" in result.stdout
    bad = {
        "text.png": "not a PNG, JPEG or TIFF picture",
        "nothing.png": "an empty file",
        "cut.jpg": "damaged or cut short",
        "dot.png": "1 x 1 pixels",
        "bomb.png": "20000 x 20000 pixels, past the limit of 200 megapixels",
        "missing.png": "no such file",
    }
    lines = errors_of(result.stderr)
    listed = lines[lines.index("6 failed:") + 1 :]
    assert len(listed) == 6
    for name, reason in bad.items():
        (line,) = (line for line in listed if line.startswith(f"  {folder / name}: "))
        assert reason in line
    assert lines[: lines.index("6 failed:")] == [line.strip() for line in listed[1:]]  # as they happened
    assert {path.name for path in out.glob("*_label.png")} == {"good1_label.png", "good2_label.png"}
    assert set(pd.read_csv(out / "leaves.csv")["photo"]) == {"good1", "good2"}
    # put right, they come out, and the others are left alone
    for name in bad:
        (folder / name).unlink(missing_ok=True)
    shutil.copy(photos / "plant2.png", folder / "dot.png")
    assert "1 photos segmented, 2 done before" in segment(folder, "--out", out).stdout


def test_a_larger_limit_may_be_asked_for(segment, tmp_path):
    write_image(tmp_path / "p.png", np.zeros((40, 50, 3), np.uint8))
    refused = segment(tmp_path / "p.png", "--out", tmp_path / "out", "--max-megapixels", 0.0019)
    assert refused.exit_code == 1
    assert "50 x 40 pixels, past the limit of 0.0019 megapixels" in refused.stderr
    assert segment(tmp_path / "p.png", "--out", tmp_path / "out", "--max-megapixels", 0.002).exit_code == 0


def test_where_there_is_no_photo_one_line_says_so(segment_in_vain, tmp_path):
    (tmp_path / "empty").mkdir()
    out = tmp_path / "out"
    assert "no photos in this folder" in segment_in_vain(tmp_path / "empty", "--out", out)
    assert "no such file or folder" in segment_in_vain(tmp_path / "nosuch", "--out", out)
    assert "no photos named" in segment_in_vain("--out", out)
    assert "cannot be read" in segment_in_vain("--like", tmp_path / "run.toml", "--out", out)
    assert not out.exists()


def test_what_is_no_model_is_refused_in_one_line(photos, tiny_model, tmp_path, monkeypatch):
    shutil.copytree(tiny_model, tmp_path / "shipped" / "rosette")
    monkeypatch.setattr("leafwise.models.folder.SHIPPED", tmp_path / "shipped")
    out = tmp_path / "out"
    assert "did you mean rosette?" in refused("segment", photos, "--model", "rosete", "--out", out)
    assert "not a model folder" in refused("segment", photos, "--model", photos, "--out", out)
    (tmp_path / "shipped" / "rosette" / "embedding.onnx").write_bytes(b"damaged")
    assert "onnxruntime cannot load it" in refused("segment", photos, "--model", "rosette", "--out", out)
    assert not out.exists()


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("clustering.min_cluster_sise=3", "did you mean min_cluster_size?"),
        ("clustering.min_cluster_size=1", "must be at least 2"),
        ("clustering.min_cluster_size=many", "must be int"),
        ("clusterng.min_samples=3", "did you mean clustering?"),
        ("looks.input_size=100", "multiple of 32"),
        ("min_samples=3", "write section.key=value"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_line(segment_in_vain, photos, tmp_path, setting, reason):
    assert reason in segment_in_vain(photos, "--out", tmp_path / "out", "--set", setting)
    assert not (tmp_path / "out").exists()


def test_an_output_folder_that_cannot_be_is_refused_in_one_line(segment_in_vain, photos, tmp_path):
    (tmp_path / "file").write_text("mine")
    assert "a file stands where" in segment_in_vain(photos, "--out", tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"
    assert str(tmp_path / "file") in segment_in_vain(photos, "--out", tmp_path / "file" / "below")
    if os.path.exists("/proc/self"):
        assert "/proc/leaves" in segment_in_vain(photos, "--out", "/proc/leaves")


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="who is root may write everywhere")
def test_a_read_only_folder_is_refused_in_one_line(segment_in_vain, photos, tmp_path):
    tmp_path.chmod(0o500)
    assert "no permission to write there" in segment_in_vain(photos, "--out", tmp_path / "out")


def test_a_full_disk_is_one_line_and_nothing_is_lost(segment, segment_in_vain, photos, tmp_path, monkeypatch):
    write = type(tmp_path).write_bytes
    left = iter(range(5))  # two photos' maps and overlays, and the third's map

    def write_some(path, content):
        if next(left, None) is None:
            write(path, content[:100])
            raise OSError(28, "No space left on device")
        return write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(type(tmp_path), "write_bytes", write_some)
        line = segment_in_vain(photos, "--out", tmp_path)
    assert line.startswith(
        f"Error: {tmp_path / 'plant2_overlay.png'}: cannot be written: no space left on the disk"
    )
    assert not [name for name in files_of(tmp_path) if ".tmp" in name]
    assert set(pd.read_csv(tmp_path / "plants.csv")["photo"]) == {"plant0", "plant1"}
    assert "4 photos segmented, 2 done before" in segment(photos, "--out", tmp_path).stdout


def test_an_interrupt_is_one_line_and_the_same_command_goes_on(segment, done, photos, tmp_path, monkeypatch):
    find, left = Segmenter.find, iter(range(4))

    def find_four_times(self, image):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return find(self, image)

    with monkeypatch.context() as patch:
        patch.setattr(Segmenter, "find", find_four_times)
        result = segment(photos, "--out", tmp_path)
    assert result.exit_code == 130
    (line,) = errors_of(result.stderr)
    assert line.startswith("Stopped. What is finished is kept; run the same command again to go on")
    assert set(pd.read_csv(tmp_path / "plants.csv")["photo"]) == {f"plant{i}" for i in range(4)}
    assert "2 photos segmented, 4 done before" in segment(photos, "--out", tmp_path).stdout
    for name in TABLES:
        assert (tmp_path / name).read_bytes() == (done / name).read_bytes()


# Programs around the command, for what has to be seen from outside. Where tests run in the background, the system
# has Ctrl-C ignored: this has it heard.
HEAR_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
COMMAND = "\nif __name__ == '__main__':\n    from leafwise.cli.main import run\n    run()\n"


def start(folder, code, *arguments, **environment):
    """Runs the command in a process group of its own, in a program that begins with `code`."""
    program = folder / "program.py"  # the pool's processes import it, too
    program.write_text(HEAR_CTRL_C + code + COMMAND)
    return subprocess.Popen(
        [sys.executable, program, "segment", *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | environment,
    )


LIST_MODULES = """
import atexit, os, sys
atexit.register(lambda: open(os.environ["LIST"], "w").write(" ".join(sys.modules)))
"""


def test_segmenting_needs_no_torch(tmp_path, photos, leafy_model):
    modules = tmp_path / "modules"
    arguments = (photos, "--out", tmp_path / "out", "--model", leafy_model, "--workers", 1)
    process = start(tmp_path, LIST_MODULES, *arguments, LIST=str(modules))
    _, stderr = process.communicate()
    assert process.returncode == 0, stderr
    imported = {name.partition(".")[0] for name in modules.read_text().split()}
    assert {"onnxruntime", "hdbscan", "leafwise"} <= imported
    assert not {"torch", "lightning", "timm", "torchvision", "onnx", "safetensors"} & imported


KILL = """
import os
from leafwise.batch import finish
write, left = finish.write_record, iter(range(3))
def write_record(out, record):
    if next(left, None) is None:
        os.kill(os.getpid(), signal.SIGKILL)
    write(out, record)
finish.write_record = write_record
"""


def test_killed_half_way_the_same_command_goes_on(segment, done, photos, leafy_model, tmp_path):
    out = tmp_path / "out"
    process = start(tmp_path, KILL, photos, "--out", out, "--model", leafy_model, "--workers", 1)
    _, stderr = process.communicate()
    assert process.returncode == -signal.SIGKILL, stderr
    assert len(finished(out)) == 3
    assert (out / "plant3_label.png").is_file()  # but not done: its record was not written
    assert "3 photos segmented, 3 done before" in segment(photos, "--out", out).stdout
    for name in files_of(done):
        assert (out / name).read_bytes() == (done / name).read_bytes(), name


CTRL_C = """
import os
from leafwise.batch import files
add = files._Tally.add
def stop(self, step):
    add(self, step)
    if self.done == 2:
        os.killpg(0, signal.SIGINT)  # as a terminal does: all processes of the run hear it
files._Tally.add = stop
"""
EARLY_CTRL_C = """
import os, time
from leafwise.batch import Workers
submit = Workers.submit
def submit_and_stop(self, *arguments):
    submit(self, *arguments)
    time.sleep(0.2)  # the new process is in the midst of its imports
    os.killpg(0, signal.SIGINT)
Workers.submit = submit_and_stop
"""


@pytest.mark.parametrize("code", [CTRL_C, EARLY_CTRL_C], ids=["half-way", "early"])
def test_ctrl_c_with_several_processes_is_one_line(segment, done, photos, leafy_model, tmp_path, code):
    out = tmp_path / "out"
    process = start(tmp_path, code, photos, "--out", out, "--model", leafy_model, "--workers", 2)
    _, stderr = process.communicate()
    assert process.returncode == 130, stderr
    (line,) = errors_of(stderr)
    assert line.startswith("Stopped.")
    records = finished(out)
    rows = (out / "plants.csv").read_text().splitlines()[1:]
    assert {row.split(",")[0] for row in rows} == records
    assert f", {len(records)} done before" in segment(photos, "--out", out).stdout or not records
    assert (out / "leaves.csv").read_bytes() == (done / "leaves.csv").read_bytes()


HEAR_SIGHUP = "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"  # which nohup has ignored


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_what_the_system_ends_keeps_its_tables(segment, photos, leafy_model, tmp_path, name, status):
    out, code = tmp_path / "out", HEAR_SIGHUP + CTRL_C.replace("SIGINT)", f"{name})")
    process = start(tmp_path, code, photos, "--out", out, "--model", leafy_model, "--workers", 2)
    _, stderr = process.communicate()
    assert process.returncode == status, stderr
    (line,) = errors_of(stderr)
    assert line.startswith("Stopped.")
    records = finished(out)
    assert 2 <= len(records) <= 6
    assert set(pd.read_csv(out / "photos.csv")["photo"]) == records
    assert f", {len(records)} done before" in segment(photos, "--out", out).stdout


KILL_MAIN = CTRL_C.replace("os.killpg(0, signal.SIGINT)", "os.kill(os.getpid(), signal.SIGKILL)")


def test_no_process_outlives_a_main_one_that_is_killed(photos, leafy_model, tmp_path):
    out = tmp_path / "out"
    process = start(tmp_path, KILL_MAIN, photos, "--out", out, "--model", leafy_model, "--workers", 2)
    process.communicate(timeout=120)  # whoever lives has stderr open
    assert process.returncode == -signal.SIGKILL


def test_photos_without_a_leaf_are_named(segment, photos, tmp_path):
    nothing = ("--set", "clustering.foreground_threshold=0.999", "--out", tmp_path)
    said = segment(photos, *nothing).stdout
    assert "No leaf found in plant0.png, plant1.png, plant2.png, plant3.png, plant4.png and 1 more" in said
    assert pd.read_csv(tmp_path / "photos.csv")["leaf_count"].tolist() == [0] * 6
