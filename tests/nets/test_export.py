import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from leafwise.clustering import hdbscan
from leafwise.config import ClusteringSettings, NetSettings
from leafwise.datasets.synthetic import draw_plant
from leafwise.errors import OutputError
from leafwise.models import Model, ModelCard, read_card, write_card
from leafwise.nets import ClusterNet, EmbeddingNet, export_cluster_net, export_onnx, load_weights


@pytest.fixture(scope="module")
def tiny(tiny_model):
    """The tiny model in onnxruntime, and the same network in torch, its weights rounded as the file has them."""
    model = Model.load(tiny_model, threads=1)
    net = EmbeddingNet(model.card.net)
    load_weights(net, tiny_model / "weights.safetensors")
    with torch.no_grad():
        for weights in net.parameters():
            if weights.numel() >= 1024:
                weights.copy_(weights.half())
    return model, net.eval()


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """The paper's decoder without a foreground head, exported and in torch."""
    folder = tmp_path_factory.mktemp("paper")
    settings = NetSettings(
        encoder="test_byobnet",
        encoder_weights="none",
        decoder="paper",
        embedding_size=4,
        foreground_head=False,
    )
    with torch.random.fork_rng():
        torch.manual_seed(1)
        net = EmbeddingNet(settings)
    export_onnx(net, folder / "embedding.onnx", input_size=64)
    write_card(ModelCard(name="paper", leafwise_version="0.1.0", stride=net.stride, net=settings), folder)
    return Model.load(folder, threads=1), net


def torch_outputs(model, net, images):
    """The network's outputs for uint8 (B, h, w, 3), normalised here by the textbook."""
    pixels = torch.tensor(images).permute(0, 3, 1, 2) / 255
    mean, std = (torch.tensor(x)[:, None, None] for x in (model.card.mean, model.card.std))
    with torch.no_grad():
        return net((pixels - mean) / std)


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(1, 64, 64), (3, 64, 64), (1, 32, 96), (2, 128, 160)])
def test_onnxruntime_gives_torchs_outputs_for_any_batch_and_size(tiny, shape):
    model, net = tiny
    images = noise(*shape)
    found, expected = model.embed(images), torch_outputs(model, net, images)
    assert found.embeddings.shape == (shape[0], 4, shape[1] // 2, shape[2] // 2)
    assert np.ptp(found.embeddings) > 0.01  # something to compare
    np.testing.assert_allclose(found.embeddings, expected.embeddings.numpy(), rtol=0, atol=1e-4)
    np.testing.assert_allclose(found.foreground, expected.foreground.sigmoid().numpy(), rtol=0, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 64, 64), (2, 96, 32)])
def test_the_papers_decoder_exports_too(paper, shape):
    model, net = paper
    images = noise(*shape)
    found, expected = model.embed(images), torch_outputs(model, net, images)
    assert found.foreground is None
    assert found.embeddings.shape == (shape[0], 4, *shape[1:])
    np.testing.assert_allclose(found.embeddings, expected.embeddings.numpy(), rtol=0, atol=1e-4)


def test_both_give_the_same_labels(tiny):
    model, net = tiny
    _, truth = draw_plant(3, height=128, width=128)
    colors = np.random.default_rng(0).integers(0, 256, (truth.max() + 1, 3), dtype=np.uint8)
    images = colors[truth][None]  # a flat colour for each leaf: even a net that learned nothing sees leaves
    foreground = truth[::2, ::2] > 0
    settings = ClusteringSettings(min_cluster_size=15, min_samples=5, merge_distance=0.0)
    found = hdbscan(model.embed(images).embeddings[0], foreground, settings)
    expected = hdbscan(torch_outputs(model, net, images).embeddings[0].numpy(), foreground, settings)
    assert expected.max() > 2
    np.testing.assert_array_equal(found, expected)


def test_an_image_is_embedded_the_same_alone_and_in_a_batch(tiny):
    model, _ = tiny
    images = noise(3, 64, 64)
    together = model.embed(images).embeddings
    alone = np.concatenate([model.embed(image[None]).embeddings for image in images])
    np.testing.assert_allclose(alone, together, rtol=0, atol=1e-5)


def test_the_file_holds_all_its_weights_and_names_its_ports(tiny_model):
    path = tiny_model / "embedding.onnx"
    program = onnx.load(path, load_external_data=False)
    onnx.checker.check_model(program)
    assert [port.name for port in program.graph.input] == ["images"]
    assert [port.name for port in program.graph.output] == ["embeddings", "foreground"]
    assert not any(tensor.external_data for tensor in program.graph.initializer)
    assert sorted(p.name for p in tiny_model.iterdir()) == [
        "embedding.onnx",
        "model.toml",
        "weights.safetensors",
    ]


def test_large_weights_take_half_the_room_and_change_next_to_nothing(tiny_model):
    net = EmbeddingNet(read_card(tiny_model).net)
    load_weights(net, tiny_model / "weights.safetensors")
    program = onnx.load(tiny_model / "embedding.onnx")
    kinds = {weights.data_type for weights in program.graph.initializer if np.prod(weights.dims) >= 1024}
    assert kinds == {onnx.TensorProto.FLOAT16}
    model, images = Model.load(tiny_model, threads=1), noise(2, 64, 64)
    expected = torch_outputs(model, net.eval(), images).embeddings.numpy()
    np.testing.assert_allclose(
        model.embed(images).embeddings, expected, rtol=0, atol=2e-3 * np.abs(expected).max()
    )


@pytest.fixture
def exported(tiny_model, monkeypatch):
    """Has the exporter give the tiny model's program at once; the networks that it was asked to export."""
    program, asked = onnx.load(tiny_model / "embedding.onnx"), []

    def export(net, *_, **__):
        asked.append(net)
        return SimpleNamespace(model_proto=program)

    monkeypatch.setattr("torch.onnx.export", export)
    return asked


def test_an_export_that_cannot_be_written_says_so(tiny_model, exported, tmp_path, monkeypatch):
    net = EmbeddingNet(read_card(tiny_model).net)

    def full(path, content):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match=r"embedding\.onnx"):
        export_onnx(net, tmp_path / "embedding.onnx", input_size=64)
    assert len(exported) == 1
    assert list(tmp_path.iterdir()) == []


def test_what_is_exported_is_the_network_as_it_is_used(tiny_model, exported, tmp_path):
    nets = EmbeddingNet(read_card(tiny_model).net).train(), ClusterNet(2).train()
    export_onnx(nets[0], tmp_path / "embedding.onnx", input_size=64)
    export_cluster_net(nets[1], tmp_path / "clusternet.onnx")
    assert len(exported) == 2
    for net, whole in zip(nets, exported, strict=True):
        assert net in whole.modules()
        assert not any(module.training for module in whole.modules())


def test_another_normalisation_on_the_card_is_used(tiny):
    model, net = tiny
    card = dataclasses.replace(model.card, mean=(0.5, 0.4, 0.3), std=(0.1, 0.2, 0.3))
    other = Model(model.folder, card, model._session)
    images = noise(1, 64, 64)
    expected = torch_outputs(other, net, images).embeddings.numpy()
    np.testing.assert_allclose(other.embed(images).embeddings, expected, rtol=0, atol=1e-4)
    assert np.abs(expected - model.embed(images).embeddings).max() > 1e-3


def test_no_path_of_the_training_machine_is_in_the_file(tiny_model):
    content = (tiny_model / "embedding.onnx").read_bytes()
    assert b"site-packages" not in content
    assert b".py" not in content


@pytest.mark.parametrize("shape", [(1, 64, 64), (3, 64, 64), (1, 16, 16), (2, 32, 112)])
def test_an_exported_cluster_net_gives_torchs_masks_for_any_batch_and_size(small_cluster_net, shape):
    net = ClusterNet(2).eval()
    load_weights(net, small_cluster_net / "weights.safetensors")
    session = onnxruntime.InferenceSession(small_cluster_net / "clusternet.onnx")
    likelihood = np.random.default_rng(0).random((shape[0], 1, *shape[1:]), np.float32)
    (found,) = session.run(None, {"likelihood": likelihood})
    with torch.no_grad():
        expected = net(torch.tensor(likelihood)).sigmoid().numpy()
    assert found.dtype == np.float32
    assert found.shape == shape
    assert np.ptp(found) > 0.1  # something to compare
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def test_the_file_of_a_cluster_net_is_whole_named_and_without_traces(small_cluster_net):
    path = small_cluster_net / "clusternet.onnx"
    assert {file.name for file in small_cluster_net.iterdir()} == {"clusternet.onnx", "weights.safetensors"}
    program = onnx.load(path, load_external_data=False)
    onnx.checker.check_model(program)
    assert [port.name for port in program.graph.input] == ["likelihood"]
    assert [port.name for port in program.graph.output] == ["masks"]
    assert not any(tensor.external_data for tensor in program.graph.initializer)
    content = path.read_bytes()
    assert b"site-packages" not in content
    assert b".py" not in content
