import math
from itertools import combinations, permutations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from speckled import direct_boundary, embeddings_for, label_batches
from torch.utils._python_dispatch import TorchDispatchMode

from leafwise.config import LossSettings
from leafwise.losses import discriminative_terms, edge, edge_hinge, edge_term

ALL = 10_000  # more than any instance here has


def loop_edge(embeddings, labels, *, hinge, background, drawn=None):
    """The printed formula: loops over images, ordered pairs of instances and of pixels; `drawn` says which pixels."""
    total, n_images = 0 * embeddings.double().sum(), 0
    for image, (x, y) in enumerate(zip(embeddings.double(), labels, strict=True)):
        instances = sorted({int(v) for v in y.flatten()} - (set() if background else {0}))
        n_images += bool(instances)
        chosen = direct_boundary(y) if drawn is None else drawn[image]
        points = {c: [x[:, i, j] for i, j in ((y == c) & chosen).nonzero().tolist()] for c in instances}
        for a, b in permutations(instances, 2):
            gaps = [
                (hinge - torch.dist(one, other)).clamp(min=0) ** 2 for one in points[a] for other in points[b]
            ]
            total = total + sum(gaps) / len(gaps) / (len(instances) * (len(instances) - 1))
    return total / max(n_images, 1)


def term_of(embeddings, labels, *, hinge=3.0, n_pixels=ALL, background=False, generator=None):
    return edge_term(
        embeddings, labels, hinge=hinge, n_pixels=n_pixels, background=background, generator=generator
    )


def squares(rows=3, columns=4, side=8, batch=1):
    """Label maps of touching squares, 1..rows * columns."""
    numbers = torch.arange(1, rows * columns + 1).view(1, rows, columns)
    return numbers.repeat_interleave(side, 1).repeat_interleave(side, 2).repeat(batch, 1, 1)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@settings(max_examples=60)
@given(
    labels=label_batches(),
    seed=st.integers(0, 99),
    hinge=st.sampled_from([0.3, 2.0, 9.0]),
    background=st.booleans(),
)
def test_value_and_gradient_equal_the_plain_loop(labels, seed, hinge, background):
    options = {"hinge": hinge, "background": background}
    slow = embeddings_for(labels, seed=seed).requires_grad_()
    expected = loop_edge(slow, labels, **options)
    there = torch.autograd.grad(expected, slow)[0]
    for dtype, tolerance in ((torch.float64, 1e-9), (torch.float32, 1e-4)):
        fast = slow.detach().to(dtype).requires_grad_()
        found = term_of(fast, labels, **options)
        assert found.dtype == dtype
        torch.testing.assert_close(found.double(), expected, rtol=tolerance, atol=tolerance)
        here = torch.autograd.grad(found, fast)[0]
        torch.testing.assert_close(here.double(), there, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("n_pixels", [1, 3, 12])
@pytest.mark.parametrize("background", [False, True])
def test_drawn_pixels_are_taken_as_the_plain_loop_takes_them(n_pixels, background):
    labels = squares(2, 2, side=5, batch=2)
    labels[0, :, :3] = 0
    labels[1][labels[1] == 2] = 9
    drawn = edge._draw(labels, n_pixels, background=background, generator=seeded(5))
    chosen = torch.zeros_like(labels, dtype=torch.bool)
    chosen[drawn.pixels] = True
    fast = embeddings_for(labels).requires_grad_()
    slow = fast.detach().clone().requires_grad_()
    found = term_of(fast, labels, n_pixels=n_pixels, background=background, generator=seeded(5))
    expected = loop_edge(slow, labels, hinge=3.0, background=background, drawn=chosen)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(torch.autograd.grad(found, fast)[0], torch.autograd.grad(expected, slow)[0])


def test_gradients_equal_finite_differences():
    labels = torch.tensor([[[1, 1, 2], [0, 4, 2], [0, 4, 4]], [[0, 0, 1], [0, 0, 1], [0, 3, 3]]])
    embeddings = embeddings_for(labels).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: term_of(x, labels, n_pixels=2, generator=seeded(0)), embeddings)


@pytest.mark.parametrize("background", [False, True])
def test_gradients_equal_finite_differences_with_an_empty_image(background):
    labels = torch.tensor([[[1, 1, 2], [0, 4, 2], [0, 4, 4]], [[0, 0, 0], [0, 0, 0], [0, 0, 0]]])
    embeddings = embeddings_for(labels).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: term_of(x, labels, background=background), embeddings)


def test_the_gradient_lies_in_memory_as_the_embeddings_do():
    labels = squares()
    plain = embeddings_for(labels).requires_grad_()
    pixel_by_pixel = plain.detach().contiguous(memory_format=torch.channels_last).requires_grad_()
    expected = torch.autograd.grad(term_of(plain, labels), plain)[0]
    found = torch.autograd.grad(term_of(pixel_by_pixel, labels), pixel_by_pixel)[0]
    torch.testing.assert_close(found, expected)
    assert (expected.stride(), found.stride()) == (plain.stride(), pixel_by_pixel.stride())


def test_a_case_worked_by_hand():
    # a line: 1 at 0 and 1, 2 at 3, 3 at 7; the first pixel of 1 touches nothing but 1
    embeddings = torch.tensor([[[[0.0, 1.0, 3.0, 7.0]]]], requires_grad=True)
    labels = torch.tensor([[[1, 1, 2, 3]]])
    # gaps to a hinge of 5: 3 between 1 and 2, none between 1 and 3, 1 between 2 and 3
    found = term_of(embeddings, labels, hinge=5.0)
    assert found.item() == pytest.approx((3**2 + 0 + 1**2) / 3)
    gradient = torch.autograd.grad(found, embeddings)[0]
    assert gradient.flatten().tolist() == pytest.approx([0, 2 * 3 / 3, (-2 * 3 + 2 * 1) / 3, -2 * 1 / 3])


def test_a_mean_over_the_pixels_of_two_instances_worked_by_hand():
    embeddings = torch.tensor([[[[0.0, 1.0], [4.0, 9.0]]]])
    labels = torch.tensor([[[1, 1], [2, 2]]])
    # hinge 5: gaps of 0 to 4 and 9: 1, 0; of 1 to 4 and 9: 2, 0
    assert term_of(embeddings, labels, hinge=5.0).item() == pytest.approx((1 + 4) / 4)


@given(labels=label_batches())
def test_instances_of_one_pixel_cost_what_the_push_term_says(labels):
    single = torch.zeros_like(labels)
    for image, one in enumerate(labels):
        for number in one.unique().tolist():
            i, j = (one == number).nonzero()[0].tolist()
            single[image, i, j] = number
    embeddings = embeddings_for(single)
    push = discriminative_terms(embeddings, single, pull_margin=0.0, push_margin=1.5, background=False).push
    torch.testing.assert_close(term_of(embeddings, single, hinge=3.0), push)


@given(labels=label_batches(), background=st.booleans())
def test_images_of_one_embedding_are_averaged_as_in_the_push_term(labels, background):
    alike = embeddings_for(labels)[:, :, :1, :1].expand(-1, -1, *labels.shape[1:])
    push = discriminative_terms(alike, labels, pull_margin=0.0, push_margin=1.5, background=background).push
    found = term_of(alike, labels, hinge=3.0, background=background)
    # a distance of 0 is the root of a squared one's rounding, about 1e-7
    torch.testing.assert_close(found, push, rtol=0, atol=1e-5)


@settings(max_examples=30)
@given(labels=label_batches(), seed=st.integers(0, 99), offset=st.floats(-50, 50))
def test_moving_all_embeddings_changes_nothing(labels, seed, offset):
    embeddings = embeddings_for(labels, seed=seed)
    for dtype, tolerance in ((torch.float64, 1e-9), (torch.float32, 1e-3)):
        here, there = embeddings.to(dtype), (embeddings + offset).to(dtype)
        torch.testing.assert_close(
            term_of(there, labels), term_of(here, labels), rtol=tolerance, atol=tolerance
        )


@settings(max_examples=30)
@given(numbers=st.lists(st.integers(1, 30), min_size=5, max_size=5, unique=True), labels=label_batches())
def test_the_numbers_of_the_instances_do_not_matter(numbers, labels):
    renamed = torch.tensor([0, *numbers])[labels]
    embeddings = embeddings_for(labels)
    torch.testing.assert_close(term_of(embeddings, renamed), term_of(embeddings, labels))


def test_an_image_without_instances_adds_nothing_to_the_batch():
    labels = squares(2, 2, side=3)
    embeddings = embeddings_for(labels)
    empty = torch.zeros_like(labels)
    for twice in (torch.cat([labels, empty]), torch.cat([empty, labels])):
        torch.testing.assert_close(term_of(embeddings.repeat(2, 1, 1, 1), twice), term_of(embeddings, labels))


def test_an_image_with_one_instance_counts_as_zero():
    labels = squares(2, 2, side=3)
    lonely = torch.zeros_like(labels)
    lonely[:, 2:4, 2:4] = 8
    embeddings = embeddings_for(labels).repeat(2, 1, 1, 1)
    found = term_of(embeddings, torch.cat([labels, lonely]))
    torch.testing.assert_close(found, term_of(embeddings[:1], labels) / 2)
    assert term_of(embeddings[1:], lonely).item() == 0
    assert term_of(embeddings[1:], lonely, background=True).item() > 0  # then there are two


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize("shape", [(2, 4, 4), (1, 1, 1), (2, 0, 3)])
def test_a_batch_without_instances_is_zero_and_can_be_trained_on(shape, background):
    batch, height, width = shape
    embeddings = torch.randn(batch, 3, height, width, requires_grad=True)
    found = term_of(embeddings, torch.zeros(shape, dtype=torch.int32), background=background)
    assert found.item() == 0
    assert not torch.autograd.grad(found, embeddings)[0].any()


def test_only_boundary_pixels_of_instances_get_a_gradient():
    labels = squares(1, 2, side=6)
    labels[:, 0] = 0
    embeddings = embeddings_for(labels, spread=0.1).requires_grad_()
    grad = torch.autograd.grad(term_of(embeddings, labels), embeddings)[0].abs().sum(1)
    assert torch.equal(grad[0] > 0, direct_boundary(labels[0]) & (labels[0] > 0))


@pytest.mark.parametrize("value", [0.0, 3.0, 1e6])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_identical_embeddings_have_no_gradient(value, dtype):
    embeddings = torch.full((1, 3, 24, 32), value, dtype=dtype, requires_grad=True)
    found = term_of(embeddings, squares(), hinge=2.0)
    assert found.item() == pytest.approx(4.0)
    assert not torch.autograd.grad(found, embeddings)[0].any()


def test_embeddings_that_lie_very_close_are_never_torn_apart():
    # two pixels nearer to each other than float32 can tell from their distance to the third
    apart = torch.tensor([[0.0, 1e-5, 100.0], [0.0, 0.0, 0.0]])[None, :, None]
    embeddings = apart.requires_grad_()
    labels = torch.tensor([[[1, 2, 3]]])
    found = term_of(embeddings, labels, hinge=3.0)
    assert found.item() == pytest.approx(3.0**2 / 3, rel=0.1)
    grad = torch.autograd.grad(found, embeddings)[0]
    assert grad.abs().max() <= 2 * 3.0 / 3 * 1.01
    torch.testing.assert_close(grad.sum(3), torch.zeros(1, 2, 1), rtol=0, atol=1e-4)


def test_far_from_the_origin_float32_is_as_good_as_its_embeddings():
    labels = squares()
    embeddings = (1000 + embeddings_for(labels, size=8)).float()
    fast, slow = embeddings.clone().requires_grad_(), embeddings.double().requires_grad_()
    found, exact = term_of(fast, labels), term_of(slow, labels)
    torch.testing.assert_close(found.double(), exact, rtol=1e-5, atol=0)
    here, there = torch.autograd.grad(found, fast)[0], torch.autograd.grad(exact, slow)[0]
    torch.testing.assert_close(here.double(), there, rtol=1e-3, atol=1e-5 * there.abs().max().item())


def test_under_bfloat16_autocast_it_stays_in_float32():
    labels = squares()
    embeddings = (40 + embeddings_for(labels, spread=0.2)).float()
    with torch.autocast("cpu", torch.bfloat16):
        under = term_of(embeddings, labels)
    assert under.dtype == torch.float32
    torch.testing.assert_close(under, term_of(embeddings, labels))


def test_bfloat16_embeddings_cost_what_their_float32_values_cost():
    labels = squares()
    rounded = embeddings_for(labels).bfloat16().requires_grad_()
    found = term_of(rounded, labels)
    torch.testing.assert_close(found, term_of(rounded.float(), labels))
    assert torch.autograd.grad(found, rounded)[0].dtype == torch.bfloat16


def test_each_instance_gives_as_many_boundary_pixels_as_asked_for_or_all():
    labels = squares(2, 2, side=9, batch=2)
    labels[1, 3, 3] = 7  # an instance of one pixel
    drawn = edge._draw(labels, 8, background=False, generator=seeded(0))
    image, row, column = drawn.pixels
    assert len({*zip(image.tolist(), row.tolist(), column.tolist(), strict=True)}) == len(image)
    chosen = torch.zeros_like(labels, dtype=torch.bool)
    chosen[drawn.pixels] = True
    for one, picked in zip(labels, chosen, strict=True):
        boundary = direct_boundary(one)
        assert not (picked & ~boundary).any()
        for number in one.unique():
            assert picked[one == number].sum() == min(8, boundary[one == number].sum())
    assert drawn.n_instances.tolist() == [4, 5]
    assert drawn.n_of_images == [32, 33]
    assert drawn.n_of_own.tolist() == [8] * 64 + [1]
    assert torch.equal(drawn.numbers, drawn.numbers.sort().values)


def test_every_boundary_pixel_is_as_likely_to_be_drawn():
    labels = squares(1, 2, side=10, batch=2)
    counts, generator = torch.zeros(labels.shape), seeded(0)
    for _ in range(1000):
        counts[edge._draw(labels, 4, background=False, generator=generator).pixels] += 1
    boundary = torch.stack([direct_boundary(one) for one in labels])
    assert not counts[~boundary].any()
    # 4 of 10 in each draw: 400 times each, with a standard deviation of 15.5
    assert (counts[boundary] - 400).abs().max() < 4 * math.sqrt(1000 * 0.4 * 0.6)


def test_pixels_of_different_instances_are_drawn_independently():
    labels = squares(1, 2, side=2)
    together, generator = torch.zeros(2, 2), seeded(1)
    for _ in range(2000):
        _, row, _ = edge._draw(labels, 1, background=False, generator=generator).pixels
        together[row[0], row[1]] += 1
    assert (together - 500).abs().max() < 4 * math.sqrt(2000 * 0.25 * 0.75)


def test_each_step_draws_anew_and_a_seed_repeats_it():
    labels = squares()
    embeddings = embeddings_for(labels)
    torch.manual_seed(3)
    first, second = (term_of(embeddings, labels, n_pixels=5).item() for _ in range(2))
    torch.manual_seed(3)
    again = term_of(embeddings, labels, n_pixels=5).item()
    assert first != second
    assert first == again
    values = [term_of(embeddings, labels, n_pixels=5).item() for _ in range(60)]
    everything = term_of(embeddings, labels).item()
    assert sum(values) / 60 == pytest.approx(everything, rel=0.05)  # it is drawn without bias


class LargestTensor(TorchDispatchMode):
    """The number of elements of the largest tensor made under it."""

    def __init__(self):
        super().__init__()
        self.numel = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        for one in made if isinstance(made, tuple | list) else [made]:
            self.numel = max(self.numel, one.numel() if isinstance(one, torch.Tensor) else 0)
        return made


@pytest.mark.parametrize("chunk", [1, 37, 1000, 10**9])
def test_the_size_of_the_chunks_bounds_the_memory_and_changes_nothing_else(monkeypatch, chunk):
    labels = squares(batch=2)
    labels[1][labels[1] > 5] = 0
    fast = embeddings_for(labels).requires_grad_()
    slow = fast.detach().clone().requires_grad_()
    expected = term_of(slow, labels)
    monkeypatch.setattr(edge, "CHUNK", chunk)
    with LargestTensor() as largest:
        found = term_of(fast, labels)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(torch.autograd.grad(found, fast)[0], torch.autograd.grad(expected, slow)[0])
    points = int(sum(direct_boundary(labels[0]).flatten()))
    assert largest.numel <= max(chunk, fast.numel())
    assert fast.numel() < points**2
    assert chunk < points**2 or largest.numel == points**2


@pytest.mark.parametrize("chunk", [1, 7, 100])
@pytest.mark.parametrize("sizes", [[], [0, 0], [5], [3, 0, 4, 1]])
def test_blocks_hold_every_pair_of_an_image_and_none_of_two(monkeypatch, chunk, sizes):
    monkeypatch.setattr(edge, "CHUNK", chunk)
    image_of = [image for image, size in enumerate(sizes) for _ in range(size)]
    seen = []
    for image, rows, columns in edge._blocks(sizes):
        block = [(i, j) for i in range(len(image_of))[rows] for j in range(len(image_of))[columns]]
        assert len(block) <= max(chunk, columns.stop - columns.start)
        assert {image_of[i] for pair in block for i in pair} == {image}
        seen += [(i, j) for i, j in block if i < j]
    expected = [(i, j) for i, j in combinations(range(len(image_of)), 2) if image_of[i] == image_of[j]]
    assert sorted(seen) == expected


def test_the_hinge_as_printed_and_as_the_authors_have_it():
    margins = {"pull_margin": 2.0, "push_margin": 20.0}
    assert edge_hinge(LossSettings(edge_hinge="printed", **margins)) == 72.0  # 2 * delta_e, delta_e = 2 * 18
    assert edge_hinge(LossSettings(edge_hinge="authors", **margins)) == 36.0
