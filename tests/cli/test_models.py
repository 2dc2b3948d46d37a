import shutil
from dataclasses import replace

import pytest
from shell import leafwise, refused

from leafwise.models import read_card, write_card


@pytest.fixture
def shipped(tiny_model, tmp_path, monkeypatch):
    """Two shipped models, rosette and nuclei."""
    for name, trained_on, sbd in (("rosette", "108 photos", 86.34), ("nuclei", "some [b]cells[/b]", 71.0)):
        folder = shutil.copytree(tiny_model, tmp_path / "shipped" / name)
        scores = {"held-out plants": {"sbd": sbd, "fbd": 97.0}, "another": {"sbd": 1.0}}
        write_card(replace(read_card(folder), name=name, trained_on=trained_on, scores=scores), folder)
    monkeypatch.setattr("leafwise.models.folder.SHIPPED", tmp_path / "shipped")
    return tmp_path / "shipped"


def test_the_shipped_models_are_listed_with_size_and_score(shipped, monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")
    result = leafwise("models")
    assert result.exit_code == 0
    header, *rows = result.stdout.splitlines()
    assert header.split() == ["model", "MB", "trained", "on", "SBD", "folder"]
    megabytes = sum(file.stat().st_size for file in (shipped / "rosette").iterdir()) / 1e6
    assert rows[0].split() == [
        "nuclei",
        f"{megabytes:.0f}",
        "some",
        "[b]cells[/b]",
        "71.0",
        str(shipped / "nuclei"),
    ]
    assert rows[1].split() == [
        "rosette",
        f"{megabytes:.0f}",
        "108",
        "photos",
        "86.3",
        str(shipped / "rosette"),
    ]


def test_a_models_whole_card_is_shown_by_name_or_folder(shipped):
    card = (shipped / "rosette" / "model.toml").read_text()
    assert leafwise("models", "rosette").stdout == card
    assert leafwise("models", shipped / "rosette").stdout == card


def test_a_misspelt_name_is_answered_with_the_nearest(shipped):
    assert refused("models", "rossette") == "Error: no model 'rossette'; did you mean rosette?"
    assert "`leafwise models` lists them" in refused("models", "zzz")


def test_what_is_no_model_is_refused_in_one_line(shipped, tmp_path):
    assert "not a model folder" in refused("models", tmp_path)
    (tmp_path / "file").touch()
    assert "a model is a folder" in refused("models", tmp_path / "file")
    (shipped / "rosette" / "model.toml").write_text("name = ")
    assert "damaged model card" in refused("models", "rosette")


def test_where_no_model_is_shipped_none_is_listed(tmp_path, monkeypatch):
    monkeypatch.setattr("leafwise.models.folder.SHIPPED", tmp_path)
    result = leafwise("models")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 1)
