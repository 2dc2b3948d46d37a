"""The shipped model on plants that it never saw: the synthetic ones of other seeds than its training's."""

import re
from pathlib import Path

import numpy as np
import pytest

from leafwise.datasets.synthetic import draw_plant
from leafwise.imaging import read_image, read_labels
from leafwise.metrics import score_labels, summarise
from leafwise.segmenter import Segmenter

SEEDS = (3001, 3002, 3003)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def rosette() -> Segmenter:
    return Segmenter.from_pretrained("rosette", threads=1)


def test_the_leaves_of_a_synthetic_plant_are_found(rosette):
    scores = []
    for seed in (2001, 2002, 2003):
        photo, truth = draw_plant(seed)
        scores.append(score_labels(truth, rosette.segment(photo).labels))
    assert summarise(scores).fbd > 90
    assert summarise(scores).sbd > 60


@pytest.mark.parametrize("last", [3007, 3004])  # 3004: a seedling of 75 pixels beside large plants
def test_a_tray_of_four_plants_gives_the_leaves_of_four_plants(rosette, last):
    plants = [draw_plant(seed, height=400, width=400) for seed in (*SEEDS, last)]
    tray = np.vstack([np.hstack([p[0] for p in plants[:2]]), np.hstack([p[0] for p in plants[2:]])])
    result = rosette.segment(tray)
    assert result.plants.max() == 4
    corners = [(0, 0), (0, 400), (400, 0), (400, 400)]
    for number, ((photo, _), (top, left)) in enumerate(zip(plants, corners, strict=True), 1):
        there = result.labels[top : top + 400, left : left + 400]
        shares = np.bincount(result.plants[there[there > 0]], minlength=5) / (there > 0).sum()
        assert shares[number] > 0.98  # a leaf that the frame cuts may reach a little into the next
        alone = rosette.segment(photo).labels
        assert score_labels(alone, there).sbd > 60


def test_the_example_of_the_readme_runs():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, object] = {}
    exec(example, names)
    assert names["result"].n_leaves > 0


@pytest.mark.shared
def test_a_real_photo_is_segmented_well(rosette, shared):
    photo = read_image(shared / "data" / "cvppp_a1" / "plant044_rgb.png")
    truth = read_labels(shared / "data" / "cvppp_a1" / "plant044_label.png")
    scores = score_labels(truth, rosette.segment(photo).labels)
    assert scores.fbd > 95
    assert scores.sbd > 75
