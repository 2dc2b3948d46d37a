import importlib.metadata
import os
import platform

import onnxruntime
from shell import leafwise as call

import leafwise


def test_what_a_bug_report_needs_is_told():
    result = call("info")
    assert (result.exit_code, result.stderr) == (0, "")
    width = result.stdout.index(leafwise.__version__)
    told = {line[:width].strip(): line[width:] for line in result.stdout.splitlines()}
    assert told["leafwise"] == leafwise.__version__
    assert told["python"] == platform.python_version()
    assert told["cores"] == str(os.cpu_count())
    assert told["execution providers"] == ", ".join(onnxruntime.get_available_providers())
    for package in ("numpy", "hdbscan", "onnxruntime", "torch", "lightning"):
        assert told[package] == importlib.metadata.version(package)
    assert "ruff" not in told


def test_packages_that_are_not_there_are_told_too(monkeypatch):
    version = importlib.metadata.version

    def without_torch(name):
        if name == "torch":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", without_torch)
    result = call("info")
    assert result.exit_code == 0
    (line,) = (line for line in result.stdout.splitlines() if line.split()[0] == "torch")
    assert line.endswith("  not installed")
