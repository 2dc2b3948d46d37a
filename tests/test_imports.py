"""Using a model needs nothing of the extra `train`: run where none of it can be imported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

# Takes the packages of the extra out of this Python, so that importing or looking for them is as if they had
# never been installed.
WITHOUT_TRAINING = """
import sys
from importlib.machinery import PathFinder

TRAINING = {"torch", "torchvision", "timm", "lightning", "onnx", "onnxscript", "safetensors", "tensorboard"}

class CoreOnly(PathFinder):
    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        return None if fullname.partition(".")[0] in TRAINING else super().find_spec(fullname, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = CoreOnly
"""

COMMAND = "from leafwise.cli.main import run; sys.argv[0] = 'leafwise'; run()"

COMMANDS = """
import json
from leafwise.cli.main import run

for command in json.loads(sys.argv[1]):
    sys.argv = ["leafwise", *command]
    try:
        run()
    except SystemExit as end:
        assert not end.code, (command, end.code)
"""


def python_without_training(code: str, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_TRAINING + code, *args], capture_output=True, text=True, check=False
    )


def leafwise_without_training(*args: str) -> subprocess.CompletedProcess[str]:
    return python_without_training(COMMAND, *args)


@pytest.mark.parametrize("package", ["torch", "lightning", "timm", "torchvision"])
def test_the_training_packages_are_out_of_reach(package: str) -> None:
    result = python_without_training(f"import {package}")
    assert f"ModuleNotFoundError: No module named '{package}'" in result.stderr


def test_every_module_of_the_core_imports_without_the_extra() -> None:
    result = python_without_training("""
import importlib, pkgutil
import leafwise

NEED_TRAINING = {"leafwise.losses", "leafwise.nets", "leafwise.training", "leafwise.experiments"}

def modules_of(package):
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        if module.name in NEED_TRAINING:
            continue
        yield module.name
        if module.ispkg:
            yield from modules_of(importlib.import_module(module.name))

names = list(modules_of(leafwise))
for name in names:
    importlib.import_module(name)
for name in leafwise.__all__:
    getattr(leafwise, name)
assert not TRAINING & {name.partition(".")[0] for name in sys.modules}
print(*names)
""")
    assert result.returncode == 0, result.stderr
    assert {"leafwise.segmenter.views", "leafwise.batch.files", "leafwise.cli.train"} <= set(
        result.stdout.split()
    )


def test_photos_are_drawn_segmented_and_scored_without_the_extra(tmp_path: Path) -> None:
    plants, leaves = tmp_path / "plants", tmp_path / "leaves"
    commands = (
        ("synth", "--out", plants, "--count", "2", "--height", "160", "--width", "176"),
        ("segment", plants / "images", "--out", leaves, "--workers", "1"),
        ("score", leaves, plants / "labels", "--json", tmp_path / "scores.json"),
        ("evaluate", plants, "--model", "rosette-fast", "--workers", "1", "--out", tmp_path / "scored"),
    )
    result = python_without_training(COMMANDS, json.dumps(commands, default=str))
    assert result.returncode == 0, result.stderr
    assert len(list(leaves.glob("*_overlay.png"))) == 2
    assert (leaves / "leaves.csv").is_file()
    assert (tmp_path / "scores.json").is_file()
    assert (tmp_path / "scored" / "summary.json").is_file()


@pytest.mark.parametrize("command", ["info", "models"])
def test_what_a_bug_report_needs_comes_without_the_extra(command: str) -> None:
    result = leafwise_without_training(command)
    assert result.returncode == 0, result.stderr
    assert "rosette" in result.stdout


def test_training_without_the_extra_says_how_to_get_it(tmp_path: Path) -> None:
    result = leafwise_without_training("train", str(tmp_path), "--out", str(tmp_path / "run"))
    assert result.returncode == 1
    assert "pip install 'leafwise[train]', or in a checkout '.[train]'" in result.stderr
    assert len(result.stderr.splitlines()) == 1
