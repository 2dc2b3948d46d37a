import multiprocessing
import os
import pickle
import shutil
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
import torch

from leafwise.errors import ModelError
from leafwise.models import ClusterNetwork, cluster_network, load_model
from leafwise.nets import ClusterNet, load_weights


@pytest.fixture(scope="module")
def exported(small_cluster_net):
    """A small ClusterNet in torch, whose masks differ from pixel to pixel, and the file that it is exported to."""
    net = ClusterNet(2)
    load_weights(net, small_cluster_net / "weights.safetensors")
    return net.eval(), small_cluster_net / "clusternet.onnx"


@pytest.fixture
def copy(exported, tmp_path):
    """A copy of the file that a test may damage."""
    return shutil.copy(exported[1], tmp_path / "clusternet.onnx")


@pytest.fixture
def opened(monkeypatch):
    """Notes of every session that is made: (path, threads)."""
    sessions = []
    real = cluster_network.open_session

    def note(path, *, threads):
        sessions.append((path, threads))
        return real(path, threads=threads)

    monkeypatch.setattr(cluster_network, "open_session", note)
    return sessions


def noise(*shape):
    return np.random.default_rng(0).random(shape, np.float32)


def torch_masks(net, likelihood):
    with torch.no_grad():
        return net(torch.tensor(likelihood)[:, None]).sigmoid().numpy()


@pytest.mark.parametrize("shape", [(1, 16, 16), (5, 64, 64), (3, 48, 96)])
def test_masks_are_what_torch_computes(exported, shape):
    net, path = exported
    likelihood = noise(*shape)
    before = likelihood.copy()
    masks = ClusterNetwork(path).masks(likelihood)
    assert masks.dtype == np.float32
    assert np.ptp(masks) > 0.1  # something to compare
    np.testing.assert_allclose(masks, torch_masks(net, likelihood), rtol=0, atol=1e-4)
    np.testing.assert_array_equal(likelihood, before)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (17, 32), (32, 31), (45, 70)])
def test_other_sizes_are_filled_up_with_their_last_pixels_and_cut_back(exported, height, width):
    net, path = exported
    likelihood = noise(2, height, width)
    rows = np.minimum(np.arange(-(-height // 16) * 16), height - 1)
    cols = np.minimum(np.arange(-(-width // 16) * 16), width - 1)
    expected = torch_masks(net, likelihood[:, rows][:, :, cols])[:, :height, :width]
    np.testing.assert_allclose(ClusterNetwork(path).masks(likelihood), expected, rtol=0, atol=1e-4)


def test_no_segments_have_no_masks(exported):
    masks = ClusterNetwork(exported[1]).masks(np.zeros((0, 24, 40), np.float32))
    assert masks.dtype == np.float32
    assert masks.shape == (0, 24, 40)


@pytest.mark.parametrize("pixels", [1, 16 * 32, 5 * 16 * 32, 100_000])
def test_chunks_of_segments_give_what_all_at_once_give(exported, monkeypatch, pixels):
    net, path = exported
    likelihood = noise(7, 16, 32)
    monkeypatch.setattr(cluster_network, "CHUNK", pixels)
    masks = ClusterNetwork(path).masks(likelihood)
    np.testing.assert_allclose(masks, torch_masks(net, likelihood), rtol=0, atol=1e-4)


def test_no_more_segments_than_a_chunk_go_through_at_a_time(exported, monkeypatch):
    _, path = exported
    seen = []

    class Session:
        def run(self, _, inputs):
            seen.append(inputs["likelihood"].shape)
            return [inputs["likelihood"][:, 0]]

    monkeypatch.setattr(cluster_network, "_session_of", lambda _: Session())
    monkeypatch.setattr(cluster_network, "CHUNK", 3 * 20 * 20)
    likelihood = noise(8, 20, 20)
    np.testing.assert_array_equal(ClusterNetwork(path).masks(likelihood), likelihood)
    assert seen == [(3, 1, 32, 32), (3, 1, 32, 32), (2, 1, 32, 32)]


def test_it_goes_to_other_processes_as_a_path_after_use_too(exported):
    network = ClusterNetwork(exported[1])
    likelihood = noise(3, 30, 30)
    mine = network.masks(likelihood)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        theirs = pool.submit(network.masks, likelihood).result()
    np.testing.assert_allclose(theirs, mine, rtol=0, atol=1e-5)
    assert len(pickle.dumps(network)) < 1000


def test_a_process_opens_a_file_once_with_a_thread_a_core(copy, opened):
    for _ in range(3):
        ClusterNetwork(copy).masks(noise(1, 16, 16))
    assert opened == [(copy, 0)]


def test_a_process_of_a_pool_takes_one_thread(copy, opened, monkeypatch):
    monkeypatch.setattr(multiprocessing, "parent_process", multiprocessing.current_process)
    ClusterNetwork(copy).masks(noise(1, 16, 16))
    assert opened == [(copy, 1)]


def test_a_file_that_has_changed_is_opened_again(copy, opened):
    ClusterNetwork(copy).masks(noise(1, 16, 16))
    os.utime(copy, ns=(1, 1))
    ClusterNetwork(copy).masks(noise(1, 16, 16))
    assert len(opened) == 2


def refusal(path, likelihood):
    with pytest.raises(ModelError) as failure:
        ClusterNetwork(path).masks(likelihood)
    message = str(failure.value)
    assert str(path) in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("content", [b"", b"This is a text file.\n", b"\x00" * 64])
@pytest.mark.parametrize("n_segments", [0, 2])
def test_another_file_in_its_place_is_named(tmp_path, content, n_segments):
    path = tmp_path / "clusternet.onnx"
    path.write_bytes(content)
    assert "damaged" in refusal(path, noise(n_segments, 16, 16))


def test_a_file_cut_short_is_named(copy):
    copy.write_bytes(copy.read_bytes()[:-1000])
    assert "damaged" in refusal(copy, noise(1, 16, 16))


def test_a_missing_file_is_named(tmp_path):
    assert "cannot be read" in refusal(tmp_path / "clusternet.onnx", noise(1, 16, 16))


def test_a_network_of_something_else_is_refused(tiny_model):
    assert "not masks" in refusal(tiny_model / "embedding.onnx", noise(1, 16, 16))


def test_a_model_knows_its_cluster_network(tiny_model, exported, tmp_path):
    assert load_model(tiny_model).cluster_network is None
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    shutil.copy(exported[1], folder)
    network = load_model(folder).cluster_network
    assert network == ClusterNetwork(folder / "clusternet.onnx")
    assert network.masks(noise(2, 32, 32)).shape == (2, 32, 32)


def test_a_folder_in_the_cluster_networks_place_is_named(tiny_model, tmp_path):
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    (folder / "clusternet.onnx").mkdir()
    network = load_model(folder).cluster_network
    assert network is not None
    assert "clusternet.onnx" in refusal(network.path, noise(1, 16, 16))
