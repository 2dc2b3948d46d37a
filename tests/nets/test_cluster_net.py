import pytest
import torch

from leafwise.errors import ModelError
from leafwise.nets import ClusterNet, load_weights, save_weights


def sizes_of_blocks(net, side):
    """The shape (C, h, w) that each block gives for one likelihood image, by the figure's parts."""
    sizes = {"skips": [], "down": [], "bottom": [], "up": []}

    def note(part):
        return lambda _, __, out: sizes[part].append(tuple(out.shape[1:]))

    for block in net.down:
        block.convs.register_forward_hook(note("skips"))
        block.register_forward_hook(lambda _, __, out: sizes["down"].append(tuple(out[0].shape[1:])))
    net.bottom.register_forward_hook(note("bottom"))
    for block in net.up:
        block.register_forward_hook(note("up"))
    sizes["out"] = tuple(net.eval()(torch.zeros(1, 1, side, side)).shape)
    return sizes


def test_the_papers_net_has_the_sizes_of_its_figure():
    with torch.device("meta"):  # shapes alone, no arithmetic: the real sizes cost nothing
        sizes = sizes_of_blocks(ClusterNet(), 224)
    assert sizes == {
        "skips": [(64, 224, 224), (128, 112, 112), (256, 56, 56), (512, 28, 28)],
        "down": [(64, 112, 112), (128, 56, 56), (256, 28, 28), (512, 14, 14)],
        "bottom": [(1024, 14, 14)],
        "up": [(512, 28, 28), (256, 56, 56), (128, 112, 112), (64, 224, 224)],
        "out": (1, 224, 224),
    }


def convs_of(block):
    return [layers[0] for layers in block]


def test_every_block_is_made_as_in_its_figure():
    with torch.device("meta"):
        net = ClusterNet()
    channels = [[(c.in_channels, c.out_channels) for c in convs_of(block.convs)] for block in net.down]
    assert channels == [
        [(1, 64), (64, 64)],
        [(64, 128), (128, 128)],
        [(128, 256), (256, 256)],
        [(256, 512), (512, 512)],
    ]
    assert [(c.in_channels, c.out_channels) for c in convs_of(net.bottom)] == [(512, 1024), (1024, 1024)]
    channels = [
        [(c.in_channels, c.out_channels) for c in (block.narrow[0], *convs_of(block.convs))]
        for block in net.up
    ]
    assert channels == [
        [(2 * d, d), (2 * d, d), (d, d)] for d in (512, 256, 128, 64)
    ]  # the skip gives d of 2d
    steps = [*net.bottom, *(step for block in [*net.down, *net.up] for step in block.convs)]
    for step in [*steps, *(block.narrow for block in net.up)]:
        assert [type(layer).__name__ for layer in step] == ["Conv2d", "BatchNorm2d", "ReLU"]
        assert step[0].kernel_size == (3, 3)
    assert net.last.kernel_size == (1, 1)


def test_it_has_as_many_parameters_as_counted_by_hand():
    def step(before, after):  # weights of 3 x 3 pixels; scale and shift of the batch norm
        return 9 * before * after + 2 * after

    down = (
        step(1, 1) + step(1, 1) + step(1, 2) + step(2, 2) + step(2, 4) + step(4, 4) + step(4, 8) + step(8, 8)
    )
    bottom = step(8, 16) + step(16, 16)
    up = sum(2 * step(2 * d, d) + step(d, d) for d in (8, 4, 2, 1))
    assert (down, bottom, up) == (1212, 3520, 3915)
    assert sum(p.numel() for p in ClusterNet(1).parameters()) == down + bottom + up + 2


@pytest.mark.parametrize(("width", "side"), [(1, 16), (3, 80)])
def test_a_width_scales_all_channels(width, side):
    sizes = sizes_of_blocks(ClusterNet(width), side)
    assert [size[0] for size in sizes["down"]] == [width, 2 * width, 4 * width, 8 * width]
    assert sizes["bottom"] == [(16 * width, side // 16, side // 16)]
    assert [size[0] for size in sizes["up"]] == [8 * width, 4 * width, 2 * width, width]
    assert sizes["out"] == (1, side, side)


@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 16, 48), (2, 112, 32)])
def test_any_multiple_of_16_gives_a_logit_a_pixel(shape):
    assert ClusterNet(1).eval()(torch.rand(shape).unsqueeze(1)).shape == shape


def test_a_step_teaches_every_part_with_logits():
    torch.manual_seed(0)
    net = ClusterNet(2)
    before = [p.clone() for p in net.parameters()]
    optimizer = torch.optim.SGD(net.parameters(), lr=1)
    logits = net(torch.rand(2, 1, 48, 48))
    assert logits.min() < 0  # no probability
    logits.square().mean().backward()
    optimizer.step()
    assert not any(torch.equal(p, old) for p, old in zip(net.parameters(), before, strict=True))


def test_the_enlargement_is_bilinear():
    net = ClusterNet(1)
    seen = []
    net.up[0].narrow.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    net.up[0](torch.tensor([[0.0, 1.0]]).expand(1, 16, 2, 2), torch.zeros(1, 8, 4, 4))
    assert seen[0][0, 0].tolist() == [[0, 0.25, 0.75, 1]] * 4


def test_saved_weights_give_the_same_logits_again(tmp_path):
    torch.manual_seed(0)
    net, other = ClusterNet(2), ClusterNet(2)
    net(torch.rand(4, 1, 32, 32))  # so that the statistics differ from a new net's
    save_weights(net, tmp_path / "clusternet.safetensors")
    load_weights(other, tmp_path / "clusternet.safetensors")
    likelihood = torch.rand(2, 1, 32, 48)
    assert torch.equal(net.eval()(likelihood), other.eval()(likelihood))


def test_weights_of_another_width_are_refused(tmp_path):
    path = tmp_path / "clusternet.safetensors"
    save_weights(ClusterNet(2), path)
    with pytest.raises(ModelError, match=r"clusternet\.safetensors: not weights of this network") as failure:
        load_weights(ClusterNet(3), path)
    assert "\n" not in str(failure.value)
