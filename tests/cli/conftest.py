import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from leafwise.cli.main import app
from leafwise.config import ClusteringSettings
from leafwise.datasets.synthetic import draw_plant
from leafwise.imaging import write_image
from leafwise.models import read_card, write_card


@pytest.fixture
def call() -> Callable[..., Result]:
    """Runs a command as the shell would; whatever happens, no traceback is shown."""

    def run(*arguments) -> Result:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert "Traceback" not in result.output
        return result

    return run


@pytest.fixture
def refused(call) -> Callable[..., str]:
    """Runs a command that is refused with exit status 1, and returns the one line that says why."""

    def run(*arguments) -> str:
        result = call(*arguments)
        assert result.exit_code == 1
        (line,) = errors_of(result.stderr)
        return line

    return run


def errors_of(stderr: str) -> list[str]:
    """What is said besides the progress bar."""
    bar = re.compile(r"^\s*(Segmenting|training|Checking)\b.*(photos|steps|%)")
    return [line for line in stderr.splitlines() if line.strip() and not bar.match(line)]


@pytest.fixture(scope="session")
def leafy_model(tiny_model, tmp_path_factory) -> Path:
    """The tiny network with settings under which it finds leaves, however senseless, in every photo."""
    folder = shutil.copytree(tiny_model, tmp_path_factory.mktemp("models") / "leafy")
    clustering = ClusteringSettings(
        min_cluster_size=10, min_samples=3, merge_distance=0.0, foreground_threshold=0.1
    )
    write_card(replace(read_card(folder), name="leafy", clustering=clustering), folder)
    return folder


@pytest.fixture(scope="session")
def photos(tmp_path_factory) -> Path:
    """A folder of six photos, 96 x 101; not to be changed."""
    folder = tmp_path_factory.mktemp("photos")
    for i in range(6):
        write_image(folder / f"plant{i}.png", draw_plant(i, height=96, width=101)[0])
    return folder
