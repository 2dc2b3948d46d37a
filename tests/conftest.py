"""Fixtures that several test modules share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "data" / "cvppp_a1").is_dir():
        pytest.skip("the real photos of ../shared are not here")
    return folder
