import numpy as np
import pytest
import torch

from leafwise.config import NetSettings
from leafwise.models import Model, ModelCard, write_card
from leafwise.nets import EmbeddingNet, export_onnx
from leafwise.nets.decoders import coordinate_maps


def test_coordinates_worked_by_hand():
    maps = coordinate_maps(torch.zeros(2, 3, 1, 2), 1)
    half = np.sqrt(0.5)
    assert maps.shape == (2, 6, 1, 2)
    # row, column, then sine and cosine of pi times each; two columns have their middles at -1/2 and 1/2
    expected = [[0, 0], [-0.5, 0.5], [0, 0], [-1, 1], [1, 1], [0, 0]]
    assert torch.allclose(maps[1, :, 0], torch.tensor(expected, dtype=torch.float), atol=1e-6)
    quarter = coordinate_maps(torch.zeros(1, 1, 4, 1), 2)[0, :, 0, 0]  # the first of four rows, at -3/4
    assert quarter.tolist() == pytest.approx([-0.75, 0, -half, 0, 1, 0, -half, 1, 0, 1], abs=1e-6)


def test_leaves_that_look_alike_differ_by_where_they_are(tmp_path):
    settings = NetSettings(encoder="test_byobnet", encoder_weights="none", embedding_size=4)
    image = torch.zeros(1, 3, 64, 64)
    middle = (slice(None), slice(None), slice(12, 20), slice(12, 20))  # what the borders don't reach

    def spread(coordinates):
        torch.manual_seed(0)
        net = EmbeddingNet(NetSettings(**settings.__dict__ | {"coordinates": coordinates})).eval()
        return float(net(image.tile(1, 1, 4, 4)).embeddings[middle].std((2, 3)).max())

    assert spread(2) > 10 * spread(0)


def test_coordinates_come_through_the_export_at_other_sizes(tmp_path):
    torch.manual_seed(0)
    settings = NetSettings(encoder="test_byobnet", encoder_weights="none", embedding_size=4, coordinates=2)
    net = EmbeddingNet(settings).eval()
    export_onnx(net, tmp_path / "embedding.onnx", input_size=64)
    write_card(ModelCard(name="x", leafwise_version="0.1.0", stride=net.stride, net=settings), tmp_path)
    model = Model.load(tmp_path, threads=1)
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 96, 3), dtype=np.uint8)
    mean, std = (torch.tensor(x)[:, None, None] for x in (model.card.mean, model.card.std))
    with torch.no_grad():
        expected = net((torch.tensor(images).permute(0, 3, 1, 2) / 255 - mean) / std).embeddings.numpy()
    np.testing.assert_allclose(model.embed(images).embeddings, expected, atol=5e-3 * np.abs(expected).max())
