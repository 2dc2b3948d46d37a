import pytest
import torch

from leafwise.config import NetSettings
from leafwise.errors import ModelError
from leafwise.nets import EmbeddingNet, load_weights, save_weights

SMALL = NetSettings(encoder="test_byobnet", encoder_weights="none", embedding_size=8)


def small_net(**changes):
    return EmbeddingNet(NetSettings(**{**SMALL.__dict__, **changes}))


def shapes_of_steps(net, images):
    """The shape (C, h, w) that each step of the decoder gives, and the outputs."""
    shapes = []
    for step in net.decoder.mix:
        step.register_forward_hook(lambda _, __, out: shapes.append(tuple(out.shape[1:])))
    return shapes, net(images)


def test_the_papers_net_has_the_sizes_of_its_figure():
    settings = NetSettings(
        encoder="resnet101", encoder_weights="none", decoder="paper", embedding_size=32, foreground_head=False
    )
    with torch.device("meta"):  # shapes alone, no arithmetic: the real sizes cost nothing
        net = EmbeddingNet(settings).eval()
        maps = []
        net.encoder.register_forward_hook(lambda _, __, out: maps.extend(tuple(m.shape[1:]) for m in out))
        shapes, outputs = shapes_of_steps(net, torch.zeros(1, 3, 224, 224))
    assert maps == [(64, 112, 112), (256, 56, 56), (512, 28, 28), (1024, 14, 14), (2048, 7, 7)]
    assert shapes == [(1024, 14, 14), (512, 28, 28), (256, 56, 56), (64, 112, 112), (64, 224, 224)]
    assert outputs.embeddings.shape == (1, 32, 224, 224)
    assert outputs.foreground is None
    assert net.stride == 1


def test_the_papers_decoder_takes_the_encoders_maps_beside_its_own():
    with torch.device("meta"):
        net = EmbeddingNet(
            NetSettings(encoder="resnet101", encoder_weights="none", decoder="paper", foreground_head=True)
        )
    first_convs = [mix[0][0] for mix in net.decoder.mix]
    assert [conv.in_channels for conv in first_convs] == [1024 + 1024, 512 + 512, 256 + 256, 64 + 64, 64]
    assert [(conv[0].in_channels, conv[0].out_channels) for conv in net.decoder.narrow] == [
        (2048, 1024),
        (1024, 512),
        (512, 256),
        (256, 64),
        (64, 64),
    ]
    for step in [*net.decoder.narrow, *(conv for mix in net.decoder.mix for conv in mix)]:
        assert [type(layer).__name__ for layer in step] == ["Conv2d", "ReLU", "BatchNorm2d"]
    assert [type(layer).__name__ for layer in net.embedding_head] == ["Conv2d", "ReLU", "BatchNorm2d"]


@pytest.mark.parametrize("encoder", ["test_byobnet", "mobilenetv2_100", "resnet18"])
@pytest.mark.parametrize(("decoder", "stride"), [("light", 2), ("paper", 1)])
def test_outputs_lie_a_stride_apart(encoder, decoder, stride):
    with torch.device("meta"):
        net = small_net(encoder=encoder, decoder=decoder).eval()
        outputs = net(torch.zeros(2, 3, 64, 96))
    assert net.stride == stride
    assert outputs.embeddings.shape == (2, 8, 64 // stride, 96 // stride)
    assert outputs.foreground.shape == (2, 64 // stride, 96 // stride)


@pytest.mark.parametrize("decoder", ["light", "paper"])
def test_the_stride_is_true_of_encoders_that_start_at_a_quarter_of_the_size(decoder):
    with torch.device("meta"):
        net = small_net(encoder="convnext_atto", decoder=decoder).eval()
        outputs = net(torch.zeros(1, 3, 64, 64))
    assert outputs.embeddings.shape[2:] == (64 // net.stride, 64 // net.stride)


def test_a_foreground_head_is_there_only_where_asked():
    net = small_net(foreground_head=False).eval()
    assert net(torch.zeros(1, 3, 32, 32)).foreground is None


def run_a_step(net):
    torch.manual_seed(0)
    net.train()
    outputs = net(3 + 2 * torch.randn(2, 3, 64, 64))
    (outputs.embeddings.square().mean() + outputs.foreground.square().mean()).backward()


def test_a_frozen_encoder_has_no_gradients_and_its_statistics_stay():
    net = small_net(freeze_encoder=True)
    before = {name: value.clone() for name, value in net.encoder.state_dict().items()}
    decoder_before = {name: value.clone() for name, value in net.decoder.state_dict().items()}
    run_a_step(net)
    assert all(p.grad is None and not p.requires_grad for p in net.encoder.parameters())
    assert all(torch.equal(value, before[name]) for name, value in net.encoder.state_dict().items())
    assert all(p.grad is not None for p in net.decoder.parameters())
    assert not all(
        torch.equal(value, decoder_before[name]) for name, value in net.decoder.state_dict().items()
    )


def test_an_encoder_that_is_not_frozen_learns():
    net = small_net()
    before = {name: value.clone() for name, value in net.encoder.state_dict().items()}
    run_a_step(net)
    assert all(p.grad is not None for p in net.parameters())
    assert any(
        not torch.equal(value, before[name])
        for name, value in net.encoder.state_dict().items()
        if "running_mean" in name
    )


def test_a_frozen_net_comes_back_from_evaluation_still_frozen():
    net = small_net(freeze_encoder=True).eval().train()
    assert net.training
    assert net.decoder.training
    assert not any(module.training for module in net.encoder.modules())


@pytest.mark.parametrize("decoder", ["light", "paper"])
def test_saved_weights_give_the_same_outputs_again(tmp_path, decoder):
    torch.manual_seed(0)
    net = small_net(decoder=decoder)
    run_a_step(net)  # so that the statistics differ from a new net's
    save_weights(net, tmp_path / "weights.safetensors")
    other = small_net(decoder=decoder)
    load_weights(other, tmp_path / "weights.safetensors")
    image = torch.randn(1, 3, 64, 64)
    for one, again in zip(net.eval()(image), other.eval()(image), strict=True):
        assert torch.equal(one, again)


def test_weights_of_another_net_are_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_weights(small_net(), path)
    with pytest.raises(ModelError, match=r"weights\.safetensors: not weights of this network") as failure:
        load_weights(small_net(embedding_size=9), path)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize("content", [None, b"", b"text"])
def test_a_missing_or_broken_weights_file_is_named(tmp_path, content):
    path = tmp_path / "weights.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"weights\.safetensors") as failure:
        load_weights(small_net(), path)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(("width", "channels"), [(1.0, [128, 96, 64, 48]), (1.5, [192, 144, 96, 72])])
def test_the_light_decoder_is_as_wide_as_asked(width, channels):
    with torch.device("meta"):
        net = EmbeddingNet(NetSettings(encoder_weights="none", decoder_width=width)).eval()
        shapes, _ = shapes_of_steps(net, torch.zeros(1, 3, 64, 64))
    assert shapes == [(count, size, size) for count, size in zip(channels, (4, 8, 16, 32), strict=True)]
