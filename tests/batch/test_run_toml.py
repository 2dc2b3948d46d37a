import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from leafwise.batch import photos_to_segment, settings_of_run
from leafwise.batch.run import write_run
from leafwise.config import (
    ClusteringSettings,
    LookSettings,
    PipelineSettings,
    RefineSettings,
    SegmentSettings,
)
from leafwise.errors import ImageError, OutputError, SettingsError
from leafwise.imaging import write_image
from leafwise.models import load_model
from leafwise.segmenter import Segmenter


@pytest.fixture
def photos(tmp_path):
    for name in ("b10", "b9", "a"):
        write_image(tmp_path / f"{name}.png", np.zeros((2, 2, 3), np.uint8))
    return [tmp_path / f"{name}.png" for name in ("a", "b9", "b10")]


def test_photos_are_named_once_by_files_and_folders(tmp_path, photos, monkeypatch):
    assert photos_to_segment([tmp_path]) == (photos, [])
    monkeypatch.chdir(tmp_path)
    again = [Path("b10.png"), tmp_path, tmp_path / "." / "a.png"]
    assert photos_to_segment(again) == ([Path("b10.png"), photos[0], photos[1]], [])


def test_what_names_no_photo_is_told_of_and_the_others_are_found(tmp_path, photos):
    (tmp_path / "empty").mkdir()
    found, missing = photos_to_segment([tmp_path / "nosuch.png", photos[1], tmp_path / "empty"])
    assert found == [photos[1]]
    assert [line.split(":")[0] for line in missing] == [str(tmp_path / "nosuch.png"), str(tmp_path / "empty")]


@pytest.mark.parametrize("paths", [[], ["nosuch"], ["nosuch", "empty"]])
def test_no_photo_at_all_is_an_error_of_one_line(tmp_path, paths):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError) as failure:
        photos_to_segment([tmp_path / path for path in paths])
    assert "\n" not in str(failure.value)
    for path in paths:
        assert str(tmp_path / path) in str(failure.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not the run.toml of a segmentation"),
        ("photos = []", "not the run.toml of a segmentation"),
        ('model = "m"\nphotos = []', "not the run.toml of a segmentation"),
        ('photos = 3\n[model]\npath = "m"', "not the run.toml of a segmentation"),
        ("a = ", "not a TOML file"),
        ('photos = []\n[model]\npath = "m"\n[looks]\nmargn = 1', "no setting 'margn'; did you mean margin"),
        ('photos = []\n[model]\npath = "m"\n[looks]\nmargin = -1', "must not be negative"),
    ],
)
def test_what_is_no_run_toml_is_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "run.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=message) as failure:
        settings_of_run(path)
    assert "\n" not in str(failure.value)
    assert str(path) in str(failure.value)


def test_a_run_toml_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"run\.toml: cannot be read"):
        settings_of_run(tmp_path / "run.toml")


SETTINGS = SegmentSettings(
    looks=LookSettings(margin=0.25),
    pipeline=PipelineSettings("seeded+mrf+cluster_net+mrf"),
    clustering=ClusteringSettings(pixel_step=2, seed_radius=1.25),
    refine=RefineSettings(mrf_solver="min_cut", mrf_reduction=2, merge="size", mask_threshold=0.4),
)


@pytest.fixture
def model(tiny_model, write_cluster_net, tmp_path):
    """A copy of the small model, with a ClusterNet made by hand."""
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    write_cluster_net(folder / "clusternet.onnx")
    return folder


def test_all_settings_come_back_from_the_run_toml(tmp_path, model, photos):
    write_run(tmp_path, photos, Segmenter(load_model(model), SETTINGS), overwrite=False)
    run = settings_of_run(tmp_path / "run.toml")
    assert run.settings == SETTINGS
    assert (run.model, run.photos) == (str(model), photos)
    again = Segmenter(load_model(run.model), run.settings)
    write_run(tmp_path, photos, again, overwrite=False)
    assert settings_of_run(tmp_path / "run.toml") == run


@pytest.mark.parametrize(
    "changes",
    [
        {"pipeline": PipelineSettings("seeded+mrf")},
        {"refine": replace(SETTINGS.refine, merge="likelihood")},
        {"clustering": ClusteringSettings(pixel_step=1)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_pipeline_or_refinement_is_another_run(tmp_path, model, photos, changes):
    write_run(tmp_path, photos, Segmenter(load_model(model), SETTINGS), overwrite=False)
    other = Segmenter(load_model(model), replace(SETTINGS, **changes))
    with pytest.raises(OutputError, match="of another model or other settings"):
        write_run(tmp_path, photos, other, overwrite=False)
    write_run(tmp_path, photos, other, overwrite=True)
    assert settings_of_run(tmp_path / "run.toml").settings == other.settings


@pytest.mark.parametrize(("steps", "same"), [("hdbscan+cluster_net", False), ("hdbscan+mrf", True)])
def test_another_cluster_net_is_another_model_where_the_pipeline_has_one(
    tmp_path, model, photos, steps, same
):
    settings = replace(SETTINGS, pipeline=PipelineSettings(steps))
    write_run(tmp_path, photos, Segmenter(load_model(model), settings), overwrite=False)
    with (model / "clusternet.onnx").open("ab") as file:
        file.write(b"\x8a\x01\x00")  # an empty field unknown to ONNX: the same network in other bytes
    if same:
        write_run(tmp_path, photos, Segmenter(load_model(model), settings), overwrite=False)
        return
    with pytest.raises(OutputError, match="of another model"):
        write_run(tmp_path, photos, Segmenter(load_model(model), settings), overwrite=False)
