import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from speckled import embeddings_for, label_batches

from leafwise.losses import discriminative, discriminative_terms
from leafwise.losses.discriminative import Members
from leafwise.losses.instances import instance_numbers, runs_of

TERMS = ("pull", "push", "reg")


def loop_terms(
    embeddings, labels, *, pull_margin, push_margin, background, pixel_weights=None, weigh_pull=False
):
    """Equations 1 to 3 as they stand: loops over images, instances and pixels, in double precision."""
    totals, n_images = [0.0, 0.0, 0.0], 0
    weights = torch.ones(labels.shape) if pixel_weights is None else pixel_weights
    for x, y, w in zip(embeddings.double(), labels, weights.double(), strict=True):
        numbers = sorted({int(v) for v in y.flatten()} - (set() if background else {0}))
        if not numbers:
            continue
        n_images += 1
        pixels = {c: [(x[:, i, j], w[i, j]) for i, j in (y == c).nonzero().tolist()] for c in numbers}
        mu = {c: sum(wi * xi for xi, wi in pixels[c]) / sum(wi for _, wi in pixels[c]) for c in numbers}
        n = len(numbers)
        for c in numbers:
            pull_weights = [wi if weigh_pull else 1 for _, wi in pixels[c]]
            hinged = [(torch.dist(mu[c], xi) - pull_margin).clamp(min=0) ** 2 for xi, _ in pixels[c]]
            weighed = [one * weight for one, weight in zip(hinged, pull_weights, strict=True)]
            totals[0] = totals[0] + sum(weighed) / sum(pull_weights) / n
            totals[2] = totals[2] + torch.dist(mu[c], torch.zeros_like(mu[c])) / n
        for a in numbers:
            for b in numbers:
                if a != b:
                    gap = (2 * push_margin - torch.dist(mu[a], mu[b])).clamp(min=0) ** 2
                    totals[1] = totals[1] + gap / (n * (n - 1))
    return [torch.as_tensor(total, dtype=torch.float64) / max(n_images, 1) for total in totals]


def random_batch(seed, *, shape=(2, 3, 5, 4), largest=3, spread=1.5):
    generator = torch.Generator().manual_seed(seed)
    batch, _, height, width = shape
    embeddings = torch.randn(shape, generator=generator) * spread
    labels = torch.randint(0, largest + 1, (batch, height, width), generator=generator)
    return embeddings, labels


def terms_of(embeddings, labels, *, pull_margin=0.5, push_margin=1.5, background=False):
    return discriminative_terms(
        embeddings, labels, pull_margin=pull_margin, push_margin=push_margin, background=background
    )


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("margins", [(0.5, 1.5), (0.0, 0.2), (2.0, 20.0)])
@pytest.mark.parametrize("seed", [0, 1])
def test_values_and_gradients_equal_the_plain_loop(background, dtype, margins, seed):
    options = {"pull_margin": margins[0], "push_margin": margins[1], "background": background}
    embeddings, labels = random_batch(seed)
    labels[0][labels[0] == 2] = 7  # gaps in the numbers
    fast = embeddings.to(dtype).requires_grad_()
    slow = embeddings.double().requires_grad_()
    found, expected = discriminative_terms(fast, labels, **options), loop_terms(slow, labels, **options)
    for name, one, other in zip(TERMS, found, expected, strict=True):
        assert one.item() == pytest.approx(other.item(), rel=1e-5, abs=1e-5), name
        here = torch.autograd.grad(one, fast, retain_graph=True)[0]
        there = torch.autograd.grad(other, slow, retain_graph=True, allow_unused=True)[0]
        torch.testing.assert_close(here.double(), there, rtol=1e-5, atol=1e-5, msg=name)


def test_gradients_equal_finite_differences():
    embeddings, labels = random_batch(3, shape=(2, 2, 3, 3))
    assert torch.autograd.gradcheck(
        lambda x: tuple(terms_of(x, labels)), embeddings.double().requires_grad_()
    )


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize("weigh_pull", [None, False, True])
def test_gradients_equal_finite_differences_with_weights_gaps_and_an_empty_image(background, weigh_pull):
    embeddings, labels = random_batch(4, shape=(3, 2, 3, 3))
    labels[0][labels[0] == 2] = 6
    labels[1] = 0
    options = {"pull_margin": 0.5, "push_margin": 1.5, "background": background}
    if weigh_pull is not None:
        weights = 1 + 9 * torch.rand(labels.shape, generator=torch.Generator().manual_seed(4))
        options |= {"pixel_weights": weights.double(), "weigh_pull": weigh_pull}
    assert torch.autograd.gradcheck(
        lambda x: tuple(discriminative_terms(x, labels, **options)), embeddings.double().requires_grad_()
    )


@settings(max_examples=40)
@given(
    labels=label_batches(),
    seed=st.integers(0, 99),
    background=st.booleans(),
    weigh_pull=st.sampled_from([None, False, True]),
    of_terms=st.tuples(*[st.floats(-2, 2)] * 3),
)
def test_the_gradient_of_any_sum_of_the_terms_equals_the_plain_loops(
    labels, seed, background, weigh_pull, of_terms
):
    options = {"pull_margin": 0.3, "push_margin": 1.0, "background": background}
    if weigh_pull is not None:
        weights = 1 + torch.rand(labels.shape, generator=torch.Generator().manual_seed(seed)).double()
        options |= {"pixel_weights": weights, "weigh_pull": weigh_pull}
    slow = embeddings_for(labels, seed=seed).requires_grad_()
    expected = 0 * slow.sum() + sum(
        a * term for a, term in zip(of_terms, loop_terms(slow, labels, **options), strict=True)
    )
    there = torch.autograd.grad(expected, slow)[0]
    for layout in (torch.contiguous_format, torch.channels_last):
        fast = slow.detach().contiguous(memory_format=layout).requires_grad_()
        found = sum(
            a * term for a, term in zip(of_terms, discriminative_terms(fast, labels, **options), strict=True)
        )
        torch.testing.assert_close(found, expected)
        torch.testing.assert_close(torch.autograd.grad(found, fast)[0], there)


@pytest.mark.parametrize("chunk", [1, 7, 10**9])
def test_the_size_of_the_chunks_changes_nothing(monkeypatch, chunk):
    embeddings, labels = random_batch(14)
    embeddings.requires_grad_()
    expected = terms_of(embeddings, labels, background=True)
    there = torch.autograd.grad(sum(expected), embeddings)[0]
    monkeypatch.setattr(discriminative, "CHUNK", chunk)
    found = terms_of(embeddings, labels, background=True)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(torch.autograd.grad(sum(found), embeddings)[0], there)


@given(labels=label_batches(), seed=st.integers(0, 99))
def test_sums_of_the_instances_are_those_over_their_pixels(labels, seed):
    points = embeddings_for(labels, seed=seed).permute(0, 2, 3, 1).flatten(0, 2)
    numbers, n_numbers = instance_numbers(labels)
    members = Members(numbers.flatten(), runs_of(labels), len(labels) * n_numbers)
    weights = torch.rand(len(points), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    expected = [points[members.numbers == number].sum(0) for number in range(members.n_instances)]
    torch.testing.assert_close(members.sums_of(points), torch.stack(expected))
    weighted = members.sums_of(points, weights)
    torch.testing.assert_close(weighted, members.sums_of(points * weights[:, None]))


@pytest.mark.parametrize("shape", [(0, 3, 4, 4), (2, 3, 0, 4), (2, 3, 4, 0)])
def test_no_pixels_at_all(shape):
    embeddings = torch.zeros(shape, requires_grad=True)
    labels = torch.zeros((shape[0], *shape[2:]), dtype=torch.int32)
    terms = terms_of(embeddings, labels, background=True)
    assert [term.item() for term in terms] == [0, 0, 0]
    assert torch.autograd.grad(sum(terms), embeddings)[0].shape == shape


def test_a_mean_over_a_whole_image_is_hardly_rounded():
    embeddings = 1000.1 + torch.zeros(1, 1, 256, 256)
    reg = terms_of(embeddings, torch.ones(1, 256, 256, dtype=torch.long)).reg
    assert reg.item() == pytest.approx(embeddings[0, 0, 0, 0].item(), rel=1e-5)


@settings(max_examples=40)
@given(data=st.data())
def test_values_equal_the_plain_loop_for_any_labels(data):
    batch, height, width = (data.draw(st.integers(1, 3)) for _ in range(3))
    numbers = st.lists(
        st.sampled_from([0, 1, 2, 5]), min_size=batch * height * width, max_size=batch * height * width
    )
    labels = torch.tensor(data.draw(numbers)).reshape(batch, height, width)
    embeddings, _ = random_batch(data.draw(st.integers(0, 99)), shape=(batch, 2, height, width))
    options = {"pull_margin": 0.3, "push_margin": 1.0, "background": data.draw(st.booleans())}
    found = discriminative_terms(embeddings, labels, **options)
    torch.testing.assert_close(
        torch.stack(found).double(),
        torch.stack(loop_terms(embeddings, labels, **options)),
        rtol=1e-5,
        atol=1e-5,
    )


@settings(max_examples=20)
@given(numbers=st.lists(st.integers(1, 30), min_size=3, max_size=3, unique=True), seed=st.integers(0, 99))
def test_the_numbers_of_the_instances_do_not_matter(numbers, seed):
    embeddings, labels = random_batch(seed)
    renamed = torch.tensor([0, *numbers])[labels]
    torch.testing.assert_close(terms_of(embeddings, renamed), terms_of(embeddings, labels))


def test_a_case_worked_by_hand():
    # one image of a line: instance 1 at 0 and 2 (mean 1), instance 2 at 4 (mean 4), background at 100
    embeddings = torch.tensor([[[[0.0, 2.0, 4.0, 100.0]]]])
    labels = torch.tensor([[[1, 1, 2, 0]]])
    pull, push, reg = terms_of(embeddings, labels, pull_margin=0.5, push_margin=2.0)
    assert pull.item() == pytest.approx((0.5**2 + 0) / 2)  # both pixels of 1 are 1 off, 0.5 past the margin
    assert push.item() == pytest.approx((2 * 2.0 - 3) ** 2)
    assert reg.item() == pytest.approx((1 + 4) / 2)
    pull, push, reg = terms_of(embeddings, labels, pull_margin=0.5, push_margin=2.0, background=True)
    assert pull.item() == pytest.approx(0.25 / 3)
    assert push.item() == pytest.approx(1 / 3)
    assert reg.item() == pytest.approx((1 + 4 + 100) / 3)


def test_instances_within_the_pull_margin_and_apart_enough_cost_nothing():
    labels = torch.tensor([[[1, 1, 2, 2]]])
    embeddings = torch.tensor([[[[0.1, -0.1, 3.1, 2.9]]]], requires_grad=True)
    pull, push, _ = terms_of(embeddings, labels, pull_margin=0.2, push_margin=1.4)
    assert (pull.item(), push.item()) == (0, 0)
    assert not torch.autograd.grad(pull + push, embeddings)[0].any()


def test_background_pixels_get_no_gradient_where_they_are_left_out():
    embeddings, labels = random_batch(5)
    embeddings.requires_grad_()
    grad = torch.autograd.grad(sum(terms_of(embeddings, labels)), embeddings)[0]
    outside = (labels == 0)[:, None].expand_as(grad)
    assert outside.any()
    assert not grad[outside].any()
    assert grad[~outside].any()


def test_an_image_without_instances_adds_nothing_to_the_batch():
    embeddings, labels = random_batch(6)
    empty = torch.zeros_like(labels[:1])
    with_empty = terms_of(torch.cat([embeddings, embeddings[:1]]), torch.cat([labels, empty]))
    torch.testing.assert_close(with_empty, terms_of(embeddings, labels))


def test_a_batch_without_instances_is_zero_and_can_be_trained_on():
    embeddings = torch.randn(2, 3, 4, 4, requires_grad=True)
    terms = terms_of(embeddings, torch.zeros(2, 4, 4, dtype=torch.long))
    assert [term.item() for term in terms] == [0, 0, 0]
    grad = torch.autograd.grad(sum(terms), embeddings)[0]
    assert torch.equal(grad, torch.zeros_like(grad))


def test_a_single_instance_has_nobody_to_repel():
    embeddings, _ = random_batch(7)
    pull, push, reg = terms_of(embeddings, torch.ones(2, 5, 4, dtype=torch.long))
    assert push.item() == 0
    assert pull.item() > 0
    assert reg.item() > 0


@pytest.mark.parametrize("background", [False, True])
def test_identical_embeddings_have_finite_gradients(background):
    _, labels = random_batch(8)
    for value in (0.0, 3.0):
        embeddings = torch.full((2, 3, 5, 4), value, requires_grad=True)
        terms = terms_of(embeddings, labels, pull_margin=0.0, background=background)
        assert terms.pull.item() == pytest.approx(0, abs=1e-9)
        assert terms.push.item() == pytest.approx(9.0)  # all centers on one spot: (2 * 1.5) ** 2
        assert torch.isfinite(torch.autograd.grad(sum(terms), embeddings)[0]).all()


def test_under_bfloat16_autocast_sums_stay_in_float32():
    # means near 40 that differ by 0.1 and less: bfloat16 has steps of 0.25 there
    generator = torch.Generator().manual_seed(9)
    labels = torch.randint(0, 4, (2, 64, 64), generator=generator)
    embeddings = 40 + 0.1 * labels[:, None] + 0.02 * torch.randn((2, 8, 64, 64), generator=generator)
    options = {"pull_margin": 0.01, "push_margin": 1.5, "background": True}
    plain = discriminative_terms(embeddings, labels, **options)
    with torch.autocast("cpu", torch.bfloat16):
        under = discriminative_terms(embeddings, labels, **options)
    assert {term.dtype for term in under} == {torch.float32}
    torch.testing.assert_close(under, plain)
    exact = discriminative_terms(embeddings.double(), labels, **options)
    torch.testing.assert_close(torch.stack(under).double(), torch.stack(exact), rtol=1e-3, atol=1e-5)


def test_bfloat16_embeddings_cost_what_their_float32_values_cost():
    embeddings, labels = random_batch(10, shape=(2, 8, 32, 32), spread=5)
    rounded = embeddings.bfloat16()
    torch.testing.assert_close(terms_of(rounded, labels), terms_of(rounded.float(), labels))
    torch.testing.assert_close(terms_of(rounded, labels), terms_of(embeddings, labels), rtol=0.02, atol=0.02)


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("weigh_pull", [False, True])
def test_weighted_values_and_gradients_equal_the_plain_loop(background, dtype, weigh_pull):
    embeddings, labels = random_batch(12)
    weights = 1 + 9 * torch.rand(labels.shape, generator=torch.Generator().manual_seed(12))
    options = {
        "pull_margin": 0.5,
        "push_margin": 1.5,
        "background": background,
        "pixel_weights": weights,
        "weigh_pull": weigh_pull,
    }
    fast = embeddings.to(dtype).requires_grad_()
    slow = embeddings.double().requires_grad_()
    found, expected = discriminative_terms(fast, labels, **options), loop_terms(slow, labels, **options)
    for name, one, other in zip(TERMS, found, expected, strict=True):
        assert one.dtype == dtype
        assert one.item() == pytest.approx(other.item(), rel=1e-5, abs=1e-5), name
        here = torch.autograd.grad(one, fast, retain_graph=True)[0]
        there = torch.autograd.grad(other, slow, retain_graph=True)[0]
        torch.testing.assert_close(here.double(), there, rtol=1e-5, atol=1e-5, msg=name)


def test_a_weighted_case_worked_by_hand():
    embeddings = torch.tensor([[[[0.0, 4.0, 100.0]]]])
    options = {
        "pull_margin": 0.5,
        "push_margin": 2.0,
        "background": False,
        "pixel_weights": torch.tensor([[[3.0, 1.0, 7.0]]]),  # the mean of 0, 0, 0 and 4 is 1
    }
    labels = torch.tensor([[[1, 1, 0]]])
    pull, push, reg = discriminative_terms(embeddings, labels, **options)
    assert (pull.item(), push.item(), reg.item()) == pytest.approx(((0.5**2 + 2.5**2) / 2, 0, 1))
    pull = discriminative_terms(embeddings, labels, **options, weigh_pull=True).pull
    assert pull.item() == pytest.approx((3 * 0.5**2 + 2.5**2) / 4)


@pytest.mark.parametrize("weigh_pull", [False, True])
def test_weights_that_are_all_the_same_change_nothing(weigh_pull):
    embeddings, labels = random_batch(13)
    options = {"pull_margin": 0.5, "push_margin": 1.5, "background": True}
    same = torch.full(labels.shape, 4.0)
    torch.testing.assert_close(
        discriminative_terms(embeddings, labels, **options, pixel_weights=same, weigh_pull=weigh_pull),
        discriminative_terms(embeddings, labels, **options),
    )
