from collections.abc import Callable
from pathlib import Path

import pytest
from painted import ColorSegmenter, paint, two_plants

from leafwise.imaging import write_image
from leafwise.models import load_model


@pytest.fixture
def segmenter(tiny_model) -> ColorSegmenter:
    return ColorSegmenter(load_model(tiny_model, threads=1))


@pytest.fixture
def paint_photos(tmp_path) -> Callable[..., list[Path]]:
    """Writes photos of `two_plants`, each a little different."""

    def paint_all(count: int, folder: str = "photos") -> list[Path]:
        (tmp_path / folder).mkdir(exist_ok=True)
        photos = [tmp_path / folder / f"plant{i}.png" for i in range(count)]
        for i, photo in enumerate(photos):
            write_image(photo, paint(two_plants(i)))
        return photos

    return paint_all
