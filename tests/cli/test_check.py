import numpy as np
import pytest
from shell import leafwise, refused

from leafwise.datasets.synthetic import draw_plant
from leafwise.imaging import write_image, write_labels


@pytest.fixture
def dataset(tmp_path):
    """Three good pairs."""
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    for i in range(3):
        image, labels = draw_plant(i, height=48, width=50)
        write_image(tmp_path / "images" / f"p{i}.png", image)
        write_labels(tmp_path / "labels" / f"p{i}.png", labels)
    return tmp_path


def test_a_good_data_set_passes(dataset):
    result = leafwise("check", dataset)
    assert result.exit_code == 0
    assert result.stdout == "3 pairs in 3 groups, 0 problems\n"


def test_each_problem_is_one_line_that_names_its_file(dataset):
    labels = dataset / "labels"
    write_labels(labels / "p0.png", np.ones((20, 30), int))
    write_labels(labels / "p1.png", np.zeros((48, 50), int))
    write_labels(labels / "p2.png", np.where(np.eye(48, 50) > 0, 255, 0))
    result = leafwise("check", dataset)
    assert result.exit_code == 1
    *problems, summary = result.stdout.splitlines()
    assert summary == "3 pairs in 3 groups, 3 problems"
    assert [line.split(": ")[0] for line in problems] == [str(labels / f"p{i}.png") for i in range(3)]
    assert "30 x 20 pixels, its photo 50 x 48" in problems[0]
    assert "empty" in problems[1]
    assert "binary mask" in problems[2]


def test_what_is_doubtful_alone_passes(dataset):
    write_labels(dataset / "labels" / "p1.png", np.zeros((48, 50), int))
    result = leafwise("check", dataset)
    assert result.exit_code == 0
    assert result.stdout.endswith("3 pairs in 3 groups, 0 problems, 1 doubtful\n")


def test_a_damaged_photo_is_a_problem_not_a_failure(dataset):
    (dataset / "images" / "p1.png").write_text("no picture")
    result = leafwise("check", dataset)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0].startswith(str(dataset / "images" / "p1.png"))
    assert "3 pairs in 3 groups, 1 problems" in result.stdout


def test_what_is_no_data_set_is_refused_in_one_line(tmp_path):
    assert str(tmp_path) in refused("check", tmp_path)
    assert "nosuch" in refused("check", tmp_path / "nosuch")
