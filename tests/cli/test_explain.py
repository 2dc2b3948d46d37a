"""`leafwise explain` as a user sees it: the pictures, what is said, and the exit status."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from shell import leafwise, refused

from leafwise.config import ClusteringSettings, NetSettings
from leafwise.imaging import read_image, write_image
from leafwise.models import read_card, write_card


@pytest.fixture(scope="module")
def full_model(leafy_model, write_cluster_net, tmp_path_factory):
    """The leafy model with a ClusterNet."""
    folder = shutil.copytree(leafy_model, tmp_path_factory.mktemp("full") / "model")
    write_cluster_net(folder / "clusternet.onnx")
    return folder


@pytest.fixture(scope="module")
def model_without_foreground(write_cluster_net, tmp_path_factory):
    """The tiny network without a foreground head, and a ClusterNet."""
    import torch

    from leafwise.models import ModelCard
    from leafwise.nets import EmbeddingNet, export_onnx

    folder = tmp_path_factory.mktemp("without")
    net_settings = NetSettings(
        encoder="test_byobnet", encoder_weights="none", embedding_size=4, foreground_head=False
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = EmbeddingNet(net_settings)
    export_onnx(net, folder / "embedding.onnx", input_size=64)
    write_cluster_net(folder / "clusternet.onnx")
    clustering = ClusteringSettings(min_cluster_size=10, min_samples=3)
    card = ModelCard(name="without", leafwise_version="0.1.0", stride=net.stride, net=net_settings)
    looks = replace(card.looks, input_size=64, first_size=64)
    write_card(replace(card, looks=looks, clustering=clustering), folder)
    return folder


@pytest.fixture(scope="module")
def explained(photos, full_model, tmp_path_factory):
    """What was said and drawn of a photo whose pipeline has every step; not to be changed."""
    out = tmp_path_factory.mktemp("explained") / "new" / "folder"
    steps = "hdbscan+mrf+cluster_net"
    arguments = ("--out", out, "--model", full_model, "--pipeline", steps, "--one-plant")
    result = leafwise("explain", photos / "plant0.png", *arguments)
    assert result.exit_code == 0, result.output
    return result, out


WAY = [
    "explain.png",
    "photo_plants.png",
    "plant1_1_square.png",
    "plant1_2_embedding.png",
    "plant1_3_foreground.png",
    "plant1_4_hdbscan.png",
    "plant1_5_mrf.png",
    "plant1_6_likelihood.png",
    "plant1_7_masks.png",
    "plant1_8_cluster_net.png",
    "photo_overlay.png",
]


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_there_is_a_picture_of_every_step_and_nothing_else(explained):
    _, out = explained
    assert names_in(out) == sorted(WAY)


def test_each_file_is_named_with_what_it_shows(explained):
    result, out = explained
    lines = [line.split("  ", 1) for line in result.stdout.splitlines()]
    assert [path.rstrip() for path, _ in lines] == [str(out / name) for name in WAY]
    assert all(shows.strip() for _, shows in lines)
    assert result.stderr == ""


def test_pictures_of_small_maps_are_large_enough_to_be_read(explained):
    _, out = explained
    for name in WAY[2:7] + WAY[9:10]:
        picture = read_image(out / name)
        assert picture.shape[0] == picture.shape[1] >= 384
        assert np.ptp(picture) > 0, name
    for name in ("plant1_6_likelihood.png", "plant1_7_masks.png"):
        assert min(read_image(out / name).shape[:2]) > 192
    sheets = [read_image(out / f"plant1_{name}.png").shape for name in ("6_likelihood", "7_masks")]
    assert sheets[0] == sheets[1]
    assert read_image(out / "explain.png").shape[1] > 3 * 256


def test_the_overlay_is_that_of_segment(explained, photos, full_model, tmp_path):
    _, out = explained
    arguments = ("--model", full_model, "--one-plant", "--set", "pipeline.steps=hdbscan+mrf+cluster_net")
    result = leafwise("segment", photos / "plant0.png", "--out", tmp_path, *arguments, "--workers", 1)
    assert result.exit_code == 0
    assert (out / "photo_overlay.png").read_bytes() == (tmp_path / "plant0_overlay.png").read_bytes()


def test_the_same_again_gives_the_same_pictures(explained, photos, full_model, tmp_path):
    _, out = explained
    again = shutil.copytree(out, tmp_path / "again")
    steps = "pipeline.steps=hdbscan+mrf+cluster_net"
    arguments = ("--out", again, "--model", full_model, "--set", steps, "--one-plant")
    assert leafwise("explain", photos / "plant0.png", *arguments).exit_code == 0
    for name in WAY:
        assert (again / name).read_bytes() == (out / name).read_bytes(), name


def test_without_a_foreground_the_background_is_a_segment(photos, model_without_foreground, tmp_path):
    arguments = ("--out", tmp_path, "--model", model_without_foreground, "--pipeline", "hdbscan+cluster_net")
    result = leafwise("explain", photos / "plant1.png", *arguments)
    assert result.exit_code == 0, result.output
    steps = ["square", "embedding", "hdbscan", "likelihood", "masks", "cluster_net"]
    of_plant = [f"plant1_{number}_{step}.png" for number, step in enumerate(steps, 1)]
    assert names_in(tmp_path) == sorted(["explain.png", "photo_plants.png", "photo_overlay.png", *of_plant])
    picture = read_image(tmp_path / "photo_plants.png")
    assert picture.shape[0] == picture.shape[1] == 101  # the whole photo's square


def test_a_photo_without_a_plant_is_refused_in_one_line(full_model, photos, tmp_path):
    folder = shutil.copytree(full_model, tmp_path / "model")
    card = read_card(folder)
    write_card(replace(card, clustering=replace(card.clustering, foreground_threshold=0.999999)), folder)
    line = refused("explain", photos / "plant0.png", "--out", tmp_path / "out", "--model", folder)
    assert line.startswith(f"Error: {photos / 'plant0.png'}: no plant is seen in it")
    assert not (tmp_path / "out").exists()


def test_what_is_no_photo_is_refused_in_one_line(full_model, photos, tmp_path):
    out = tmp_path / "out"
    write_image(tmp_path / "dot.png", np.zeros((1, 1, 3), np.uint8))
    for path, reason in (
        (tmp_path / "missing.png", "no such file"),
        (photos, str(photos)),
        (tmp_path / "dot.png", f"{tmp_path / 'dot.png'}: the photo has only 1 x 1 pixels"),
    ):
        assert reason in refused("explain", path, "--out", out, "--model", full_model)
    assert not out.exists()


def test_steps_that_cannot_be_are_refused_in_one_line(leafy_model, photos, tmp_path):
    arguments = ("explain", photos / "plant0.png", "--out", tmp_path / "out", "--model", leafy_model)
    assert "has no ClusterNet" in refused(*arguments, "--pipeline", "hdbscan+cluster_net")
    assert "pipeline.steps must be" in refused(*arguments, "--pipeline", "hdbscan+crf")
    assert "min_cluster_size must be" in refused(*arguments, "--set", "clustering.min_cluster_size=1")
    assert not (tmp_path / "out").exists()


def test_pictures_of_two_runs_are_not_mixed_up(explained, photos, full_model, tmp_path):
    out = shutil.copytree(explained[1], tmp_path / "out")
    arguments = ("--out", out, "--model", full_model, "--pipeline", "hdbscan", "--one-plant")
    line = refused("explain", photos / "plant0.png", *arguments)
    assert f"{out / 'plant1_5_mrf.png'}: is of another run" in line
    assert (out / "explain.png").read_bytes() == (explained[1] / "explain.png").read_bytes()


def test_the_photo_itself_is_not_written_over(photos, full_model, tmp_path):
    photo = tmp_path / "plant1_1_square.png"
    before = shutil.copy(photos / "plant0.png", photo).read_bytes()
    line = refused("explain", photo, "--out", tmp_path, "--model", full_model, "--one-plant")
    assert "would be written over" in line
    assert names_in(tmp_path) == [photo.name]
    assert photo.read_bytes() == before


def test_an_output_folder_that_cannot_be_is_refused_in_one_line(photos, full_model, tmp_path):
    (tmp_path / "file").write_text("mine")
    line = refused("explain", photos / "plant0.png", "--out", tmp_path / "file", "--model", full_model)
    assert "a file stands where" in line
