import copy
import pickle

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from timm.layers.conv2d_same import Conv2dSame
from torch import nn

from leafwise.errors import ModelError
from leafwise.nets import encoder as encoder_of
from leafwise.nets import make_encoder

SMALL = "test_byobnet"


def one_line(failure):
    message = str(failure.value)
    assert "\n" not in message
    return message


def test_feature_maps_come_largest_first():
    encoder = make_encoder(SMALL, "none").eval()
    maps = encoder(torch.zeros(1, 3, 64, 96))
    assert [tuple(m.shape[2:]) for m in maps] == [(32, 48), (16, 24), (8, 12), (4, 6), (2, 3)]


def test_tensorflows_padding_is_timms_own_where_sides_are_even():
    name = "tf_efficientnet_lite0"  # kernels of 3 and 5
    encoder, theirs = make_encoder(name, "none").eval(), timm.create_model(name, features_only=True).eval()
    theirs.load_state_dict(encoder.state_dict())
    images = torch.rand(1, 3, 64, 96)
    assert all(map(torch.equal, encoder(images), theirs(images)))


@pytest.mark.parametrize("name", ["nosuch", "", "folder/resnet18"])
def test_an_unknown_encoder_is_refused(name):
    with pytest.raises(ModelError, match=f"encoder '{name}'") as failure:
        make_encoder(name, "none")
    assert "download" not in one_line(failure)


@pytest.mark.parametrize(
    ("typo", "meant"),
    [("resnet1O1", "resnet101"), ("mobilenetv2_10", "mobilenetv2_100"), ("resnt50", "resnet50")],
)
def test_a_mistyped_encoder_brings_the_nearest_name(typo, meant):
    with pytest.raises(ModelError, match=f"did you mean .*{meant}"):
        make_encoder(typo, "none")


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "vgg11"])
def test_an_encoder_without_a_pyramid_of_maps_is_refused(name):
    with torch.device("meta"), pytest.raises(ModelError, match="feature maps") as failure:
        make_encoder(name, "none")
    assert name in one_line(failure)


def test_a_hub_that_cannot_be_reached_says_what_to_set(monkeypatch):
    def unreachable(*args, **kwargs):
        raise OSError("[Errno -3] Temporary failure in name resolution")

    monkeypatch.setattr(timm, "create_model", unreachable)
    with pytest.raises(ModelError, match=r"net\.encoder_weights") as failure:
        make_encoder(SMALL, "hub")
    assert SMALL in one_line(failure)


def test_local_weights_are_what_the_encoder_computes_with(tmp_path):
    torch.manual_seed(1)
    source = make_encoder(SMALL, "none").eval()
    weights = {
        name: value for name, value in source.state_dict().items() if "num_batches_tracked" not in name
    }
    save_file(weights, tmp_path / "encoder.safetensors")
    loaded = make_encoder(SMALL, str(tmp_path / "encoder.safetensors")).eval()
    image = torch.randn(1, 3, 64, 64)
    for one, other in zip(source(image), loaded(image), strict=True):
        assert torch.equal(one, other)


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(ModelError, match="no such weights file") as failure:
        make_encoder(SMALL, str(tmp_path / "away.safetensors"))
    assert "away.safetensors" in one_line(failure)


@pytest.mark.parametrize("content", [b"", b"not weights\n", b"\xff" * 100])
def test_a_broken_weights_file_is_named(tmp_path, content):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.safetensors: not weights of 'test_byobnet'") as failure:
        make_encoder(SMALL, str(path))
    one_line(failure)


def test_weights_of_another_encoder_are_refused(tmp_path):
    other, path = make_encoder("test_resnet", "none"), tmp_path / "other.safetensors"
    save_file(other.state_dict(), path)
    with pytest.raises(ModelError, match="not weights of 'test_byobnet'") as failure:
        make_encoder(SMALL, str(path))
    one_line(failure)


@pytest.mark.parametrize("name", [SMALL, "test_resnet", "mobilenetv2_100"])  # the first has other names in it
def test_the_file_that_timm_publishes_is_taken_without_its_classifier(tmp_path, name):
    torch.manual_seed(2)
    whole = timm.create_model(name).eval()
    save_file(whole.state_dict(), tmp_path / "model.safetensors")
    image = torch.randn(1, 3, 64, 64)
    ours = make_encoder(name, str(tmp_path / "model.safetensors")).eval()(image)
    theirs = whole.forward_intermediates(image, intermediates_only=True)
    torch.testing.assert_close(ours[-1], theirs[-1])


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
def test_the_halving_convolution_pads_as_tensorflow(kernel):
    theirs = Conv2dSame(3, 4, kernel, stride=2)
    ours = nn.Sequential(copy.deepcopy(theirs))
    encoder_of._pad_for_even_sides(ours)
    images = torch.rand(1, 3, 8, 12)
    torch.testing.assert_close(ours(images), theirs(images))
    assert type(ours[0]) is not Conv2dSame


@pytest.mark.parametrize("change", ["another width", "one missing", "one too many"])
def test_weights_that_fit_but_for_one_are_refused(tmp_path, change):
    state = make_encoder(SMALL, "none").state_dict()
    name = next(iter(state))
    if change == "one missing":
        del state[name]
    else:
        state[name if change == "another width" else "more"] = torch.zeros(1)
    save_file(state, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match="not weights of 'test_byobnet'") as failure:
        make_encoder(SMALL, str(tmp_path / "other.safetensors"))
    counts = {
        "one missing": "1 parameters are missing, 0 are unknown",
        "one too many": "0 parameters are missing, 1 are",
    }
    assert counts.get(change, "") in one_line(failure)


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_pickled_weights_are_never_unpickled(tmp_path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    with pytest.raises(ModelError, match="not weights"):
        make_encoder(SMALL, str(path))
    assert not (tmp_path / "exploded").exists()


@pytest.mark.shared
def test_the_imagenet_weights_of_the_shipped_model_load(shared):
    path = shared / "weights" / "mobilenetv2_100_imagenet.safetensors"
    encoder = make_encoder("mobilenetv2_100", str(path)).eval()
    state = encoder.state_dict()
    expected = load_file(path)
    assert len(expected) > 200
    for name, value in expected.items():
        assert torch.equal(state[name], value), name
    assert encoder.feature_info.channels() == [16, 24, 32, 96, 320]
