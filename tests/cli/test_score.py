import json

import numpy as np
import pytest
from typer import Typer
from typer.testing import CliRunner

from leafwise.cli.score import score
from leafwise.errors import LeafwiseError
from leafwise.imaging import write_image, write_labels
from leafwise.metrics import score_labels

TRUTH, GUESS = np.array([[0, 1, 1, 1]], np.int32), np.array([[0, 1, 1, 2]], np.int32)
APP = Typer()
APP.command()(score)


@pytest.fixture
def folders(tmp_path):
    predictions, truth = tmp_path / "predictions", tmp_path / "truth"
    predictions.mkdir()
    truth.mkdir()
    for name in ("plant1", "plant2"):
        write_labels(truth / f"{name}_label.png", TRUTH)
        write_image(truth / f"{name}_rgb.png", np.zeros((1, 4, 3), np.uint8))
        write_labels(predictions / f"{name}_rgb_label.png", GUESS)
    return predictions, truth


def call(*arguments):
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


def test_a_row_per_image_and_the_means(folders):
    result = call(*folders)
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows[1] == ["plant1", "65.0", "80.0", "65.0", "100.0", "-", "80.0", "-", "1", "1"]
    assert rows[3][:7] == ["mean", "of", "2", "65.0", "80.0", "65.0", "100.0"]
    assert "mean of absolute differences: 1.00" in result.stdout
    assert "absolute mean difference: 1.00" in result.stdout
    assert result.stderr.strip() == ""


def test_missing_and_corrupt_files_cost_one_line_each(folders):
    predictions, truth = folders
    (predictions / "plant2_rgb_label.png").write_bytes(b"\x89PNG half a picture")
    write_labels(truth / "plant3_label.png", TRUTH)
    result = call(predictions, truth)
    assert result.exit_code == 1
    assert "mean of 1" in result.stdout
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 2
    assert "no prediction named plant3" in lines[0]
    assert lines[1].startswith(str(predictions / "plant2_rgb_label.png"))


def test_json_to_a_file_beside_the_table(folders, tmp_path):
    result = call(*folders, "--json", tmp_path / "scores.json")
    assert result.exit_code == 0
    assert "plant1" in result.stdout
    report = json.loads((tmp_path / "scores.json").read_text())
    assert report["images"]["plant1"]["sbd"] == score_labels(TRUTH, GUESS).sbd
    assert report["images"]["plant1"]["sbd_small"] is None
    assert report["summary"]["n_images"] == 2
    assert report["problems"] == []


def test_json_alone_on_the_terminal(folders):
    predictions, truth = folders
    write_labels(truth / "plant3_label.png", TRUTH)
    result = call(predictions, truth, "--json", "-")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert list(report["images"]) == ["plant1", "plant2"]
    assert len(report["problems"]) == 1


def test_single_files(folders):
    predictions, truth = folders
    result = call(predictions / "plant2_rgb_label.png", truth / "plant1_label.png")
    assert result.exit_code == 0
    assert "mean of 1" in result.stdout


def test_names_are_not_taken_for_markup(folders):
    predictions, truth = folders
    write_labels(predictions / "[bold]x.png", GUESS)
    result = call(predictions / "[bold]x.png", truth / "plant1_label.png")
    assert result.exit_code == 0
    write_labels(truth / "[red]_label.png", TRUTH)
    write_labels(predictions / "[red]_label.png", TRUTH)
    assert "[red]" in call(predictions, truth).stdout


def test_a_folder_that_is_not_there_is_one_line(folders):
    result = call(folders[0] / "nowhere", folders[1])
    assert isinstance(result.exception, LeafwiseError)
    assert "\n" not in str(result.exception)


def test_ap_and_pq_in_a_table_of_their_own_and_in_json(folders, tmp_path):
    result = call(*folders, "--ap-pq", "--json", tmp_path / "scores.json")
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()]
    start = rows.index(["image", "AP", "AP50", "PQ", "SQ", "RQ"])
    # IoU 2/3: a match at four of the ten levels; of two found one is right
    assert rows[start + 1] == ["plant1", "20.0", "50.0", "44.4", "66.7", "66.7"]
    assert rows[start + 3] == ["all", "2", "together", "20.0", "50.0", "44.4", "66.7", "66.7"]
    report = json.loads((tmp_path / "scores.json").read_text())
    assert report["pooled"]["ap"] == pytest.approx(20)
    assert report["images"]["plant2"]["pq"] == pytest.approx(400 / 9)


def test_without_the_option_nothing_is_said_of_ap(folders):
    assert "AP" not in call(*folders).stdout
