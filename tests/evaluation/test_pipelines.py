"""An evaluation of painted plants, whose leaves are known, and its means against scores made by hand."""

import json
import shutil
from dataclasses import replace

import pandas as pd
import pytest

from leafwise.config import PipelineSettings
from leafwise.errors import ModelError, SettingsError
from leafwise.evaluation import Evaluation, evaluate, make_candidates, usual_pipelines, write_evaluation
from leafwise.evaluation.scoring import METRICS
from leafwise.imaging import read_image
from leafwise.models import load_model


@pytest.fixture(scope="module")
def model(painted_model):
    return load_model(painted_model)


@pytest.fixture(scope="module")
def settings(model):
    return model.card.segment


def test_the_usual_pipelines_are_the_models_own_and_the_papers_seven(
    model, settings, painted_model, tmp_path
):
    assert usual_pipelines(model, settings) == [
        "hdbscan",
        "hdbscan+mrf",
        "hdbscan+cluster_net",
        "hdbscan+mrf+cluster_net",
        "hdbscan+cluster_net+mrf",
        "hdbscan+mrf+cluster_net+mrf",
        "true_means+cluster_net",
    ]
    own = replace(settings, pipeline=PipelineSettings("seeded+mrf+mrf"))
    names = usual_pipelines(model, own)
    assert names[:3] == ["seeded+mrf+mrf", "seeded", "seeded+mrf"]
    assert len(names) == 8
    bare = shutil.copytree(painted_model, tmp_path / "bare")
    (bare / "clusternet.onnx").unlink()
    assert usual_pipelines(load_model(bare), own) == ["seeded+mrf+mrf"]


def test_means_are_over_the_photos_and_the_worst_are_those_of_the_first_pipeline(settings):
    candidates = make_candidates(["hdbscan", "hdbscan+mrf"], [settings.clustering], settings)
    photos = pd.DataFrame(
        [
            {"photo": f"p{i}", "number": number, "pipeline": candidates[number].pipeline}
            | dict.fromkeys(METRICS, float(value))
            | {"sbd_small": float("nan") if i == 0 else 10.0 * i}
            for i, values in enumerate([(50, 80), (30, 90), (70, 10)])
            for number, value in enumerate(values)
        ]
    )
    result = Evaluation(photos, candidates)
    means = result.means()
    assert list(means.index) == ["hdbscan", "hdbscan+mrf"]
    assert means["sbd"].tolist() == [50, 60]
    assert means["sbd_small"].tolist() == [15, 15]  # of the two photos that have small leaves
    assert means["photos"].tolist() == [3, 3]
    assert result.worst(2) == [1, 0]
    assert result.worst() == [1, 0, 2]


def test_painted_plants_are_scored_as_they_are_found(model, settings, painted, tmp_path):
    done = []
    result = evaluate(
        painted,
        model,
        ["hdbscan", "hdbscan+cluster_net", "hdbscan"],
        settings,
        on_photo=lambda: done.append(1),
    )
    assert len(done) == 3
    means = result.means()
    assert means["dic"].tolist() == pytest.approx([1 / 3, 0])  # the ghost, until the background takes it back
    assert means.loc["hdbscan+cluster_net", "sbd"] == 100
    assert result.worst(1) == [1]
    write_evaluation(result, tmp_path / "new" / "out", painted, model)
    summary = json.loads((tmp_path / "new" / "out" / "summary.json").read_text())
    assert summary["worst"] == ["plant1", "plant0", "plant2"]
    assert summary["photos"] == 3
    assert summary["pipelines"]["hdbscan+cluster_net"]["sbd"] == 100
    assert summary["pipelines"]["hdbscan"]["sbd_medium"] is None  # two leaves are a small and a large one
    assert summary["model"] == str(model.folder)
    photos = pd.read_csv(tmp_path / "new" / "out" / "photos.csv")
    assert photos["photo"].tolist() == ["plant0", "plant0", "plant1", "plant1", "plant2", "plant2"]
    assert read_image(tmp_path / "new" / "out" / "worst.png").shape == (3 * 422 + 4, 3 * 404 + 4, 3)


def test_a_pipeline_that_cannot_be_is_refused_before_anything_is_scored(
    model, settings, painted, painted_model, tmp_path
):
    with pytest.raises(SettingsError, match="'kmeans'"):
        evaluate(painted, model, ["hdbscan", "kmeans"], settings)
    bare = shutil.copytree(painted_model, tmp_path / "bare")
    (bare / "clusternet.onnx").unlink()
    with pytest.raises(ModelError, match="no ClusterNet"):
        evaluate(painted, load_model(bare), ["hdbscan", "true_means+cluster_net"], settings)
