import copy

import pytest
import torch
from torch import nn

from leafwise.training.cpu import fast_layout, keep_memory, strided_in_float32


@pytest.fixture
def net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(8, 8, 3, stride=2, groups=8), nn.Conv2d(8, 8, 3, groups=8), nn.Conv2d(8, 8, 3, stride=2)
    )


def outputs(net, images):
    seen = []
    hooks = [layer.register_forward_hook(lambda *args: seen.append(args[2])) for layer in net]
    with torch.autocast("cpu", torch.bfloat16):
        net(images)
    for hook in hooks:
        hook.remove()
    return seen


def test_only_strided_depthwise_layers_leave_autocast_and_only_inside(net):
    images = torch.rand(1, 8, 32, 32)
    with strided_in_float32(net):
        inside = outputs(net, images)
    after = outputs(net, images)
    assert [out.dtype for out in inside] == [torch.float32, torch.bfloat16, torch.bfloat16]
    assert [out.dtype for out in after] == [torch.bfloat16] * 3
    assert torch.equal(inside[0], nn.Conv2d.forward(net[0], images))


def test_a_layer_with_a_forward_of_its_own_keeps_it():
    class Padded(nn.Conv2d):  # as timm's Conv2dSame of TensorFlow's EfficientNets
        def forward(self, x):
            return super().forward(nn.functional.pad(x, (0, 1, 0, 1)))

    net, images = nn.Sequential(Padded(8, 8, 3, stride=2, groups=8)), torch.rand(1, 8, 32, 32)
    with strided_in_float32(net):
        assert torch.equal(net(images), Padded.forward(net[0], images))
    assert net(images).shape == (1, 8, 16, 16)


def test_it_ends_with_an_error_too_and_leaves_weights_as_they_are(net):
    before = copy.deepcopy(net.state_dict())
    with pytest.raises(ValueError, match="stop"), strided_in_float32(net):
        raise ValueError("stop")
    assert "forward" not in vars(net[0])
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_a_copy_made_inside_has_its_own_weights(net):
    with strided_in_float32(net):
        twin = copy.deepcopy(net)  # as the running average of the weights is
        with torch.no_grad():
            net[0].weight.zero_()
            net[0].bias.zero_()
        assert twin[0](torch.ones(1, 8, 9, 9)).abs().sum() > 0


def test_tensors_can_be_made_and_freed_after_memory_is_kept():
    keep_memory()
    assert all(float(torch.ones(1_000_000).sum()) == 1_000_000 for _ in range(3))


def test_images_lie_by_planes_for_float32_on_a_cpu_and_by_pixels_elsewhere():
    images = torch.rand(2, 3, 8, 8)
    for given in (images, images.contiguous(memory_format=torch.channels_last)):
        assert fast_layout(given).is_contiguous()
        assert torch.equal(fast_layout(given), images)
        with torch.autocast("cpu", torch.bfloat16):
            assert fast_layout(given).is_contiguous(memory_format=torch.channels_last)
            assert torch.equal(fast_layout(given), images)
    elsewhere = fast_layout(torch.empty(2, 3, 8, 8, device="meta"))
    assert elsewhere.is_contiguous(memory_format=torch.channels_last)
