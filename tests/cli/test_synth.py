import inspect

import pytest
import typer
from typer.testing import CliRunner

from leafwise.cli.synth import synth
from leafwise.datasets import read_dataset
from leafwise.datasets.synthetic import MIN_SIDE, PlantSet
from leafwise.errors import OutputError


@pytest.fixture
def command():
    app = typer.Typer()
    app.command()(synth)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_it_writes_a_data_set_and_goes_on_with_it(tmp_path, capsys):
    folder = tmp_path / "plants"
    synth(folder, count=2, seed=3, height=64, width=70)
    assert "2 plants drawn" in capsys.readouterr().out
    synth(folder, count=3, seed=3, height=64, width=70)
    assert "1 plant drawn, 2 were there already" in capsys.readouterr().out
    assert [pair.name for pair in read_dataset(folder)] == ["plant0001", "plant0002", "plant0003"]


def test_options_are_read(tmp_path, command):
    result = command("--out", tmp_path / "a", "--count", 1, "--seed", 9, "--height", 40, "--width", 50)
    assert result.exit_code == 0
    assert (tmp_path / "a" / "synthetic.toml").read_text() == "seed = 9\nheight = 40\nwidth = 50\n"


def test_wrong_usage_is_refused(tmp_path, command):
    assert command("--count", 3).exit_code == 2
    assert command("--out", tmp_path, "--count", 0).exit_code == 2
    assert command("--out", tmp_path, "--seed", -1).exit_code == 2
    assert command("--out", tmp_path, "--height", MIN_SIDE - 1).exit_code == 2


def test_another_seed_in_the_same_folder_is_an_error(tmp_path):
    synth(tmp_path, count=1, seed=0, height=40, width=40)
    with pytest.raises(OutputError, match="seed 0"):
        synth(tmp_path, count=1, seed=1, height=40, width=40)


def test_plants_are_not_drawn_among_the_photos_of_others(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "mine.png").write_text("mine")
    with pytest.raises(OutputError, match="holds photos already that are not from here"):
        synth(tmp_path, count=1, seed=0, height=40, width=40)
    assert not (tmp_path / "synthetic.toml").exists()


def test_the_defaults_are_those_of_the_library():
    defaults = {name: option.default for name, option in inspect.signature(synth).parameters.items()}
    plants = PlantSet()
    assert (defaults["seed"], defaults["height"], defaults["width"]) == (
        plants.seed,
        plants.height,
        plants.width,
    )


def test_help_shows_examples(command):
    assert "leafwise synth --out plants --count 20" in command("--help").output
