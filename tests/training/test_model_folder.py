"""A model folder with a ClusterNet added: all that was there, and the new network in its pipeline."""

from dataclasses import replace

import pytest

from leafwise.config import PipelineSettings
from leafwise.errors import OutputError
from leafwise.models import read_card, write_card
from leafwise.nets import ClusterNet
from leafwise.training import model_folder
from leafwise.training.model_folder import add_cluster_net


def contents_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def no_export(monkeypatch):
    monkeypatch.setattr(model_folder, "export_cluster_net", lambda net, path: path.write_bytes(b"the net"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("hdbscan", "hdbscan+cluster_net"),
        ("seeded+mrf", "seeded+mrf+cluster_net"),
        ("seeded+cluster_net+mrf", "seeded+cluster_net+mrf"),
    ],
)
def test_the_new_folder_is_the_model_with_the_net_in_its_pipeline(
    tiny_model, tmp_path, no_export, before, after
):
    model, folder = tmp_path / "before", tmp_path / "new" / "model"
    model.mkdir()
    for path in tiny_model.iterdir():
        (model / path.name).write_bytes(path.read_bytes())
    card = replace(read_card(model), pipeline=PipelineSettings(before), scores={"validation": {"sbd": 80.0}})
    write_card(card, model)
    (model / "clusternet.onnx").write_bytes(b"an older net")
    kept = contents_of(model)
    assert add_cluster_net(ClusterNet(1), model, folder) == folder
    assert read_card(folder) == replace(card, pipeline=PipelineSettings(after), scores={})
    expected = kept | {"clusternet.onnx": b"the net", "model.toml": (folder / "model.toml").read_bytes()}
    assert contents_of(folder) == expected
    assert contents_of(model) == kept
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_a_net_that_cannot_be_written_leaves_the_model_before(tiny_model, tmp_path, monkeypatch):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.toml").write_text("the one before")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model_folder, "export_cluster_net", fail)
    with pytest.raises(OutputError, match="the model cannot be written") as failure:
        add_cluster_net(ClusterNet(1), tiny_model, folder)
    assert "\n" not in str(failure.value)
    assert contents_of(folder) == {"model.toml": b"the one before"}
