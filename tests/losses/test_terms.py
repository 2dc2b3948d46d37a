from dataclasses import replace

import pytest
import torch
from speckled import embeddings_for

from leafwise.config import LossSettings
from leafwise.losses import (
    discriminative_terms,
    edge_hinge,
    edge_term,
    embedding_terms,
    overlap_term,
    pixel_weights,
    weigh,
)

SETTINGS = LossSettings(pull_margin=0.2, push_margin=1.0, edge_pixels=6, overlap_weight=0.0)


@pytest.fixture
def batch():
    """Embeddings (2, 3, 24, 24) and labels with four squares and some background."""
    labels = torch.tensor([[[1, 2], [3, 7]], [[0, 4], [0, 4]]])
    labels = labels.repeat_interleave(12, 1).repeat_interleave(12, 2)
    return embeddings_for(labels, spread=0.5).float(), labels


def plain_terms(embeddings, labels, **options):
    return discriminative_terms(
        embeddings, labels, pull_margin=0.2, push_margin=1.0, background=SETTINGS.background, **options
    )._asdict()


def test_without_a_weight_there_is_no_edge_term(batch):
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    assert embedding_terms(*batch, SETTINGS) == plain_terms(*batch)
    assert torch.equal(torch.random.get_rng_state(), before)  # nothing was drawn


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize("which", ["printed", "authors"])
def test_the_edge_term_is_that_of_the_settings(batch, which, background):
    settings = replace(SETTINGS, edge_weight=0.1, edge_hinge=which, background=background)
    torch.manual_seed(4)
    found = embedding_terms(*batch, settings)
    assert list(found) == ["pull", "push", "reg", "edge"]
    torch.manual_seed(4)
    expected = edge_term(*batch, hinge=edge_hinge(settings), n_pixels=6, background=background)
    assert found["edge"].item() == expected.item() > 0  # unweighted


def test_weights_of_key_points_are_for_the_means_alone(batch):
    found = embedding_terms(*batch, replace(SETTINGS, pixel_weights="key_points"))
    weights = pixel_weights(batch[1], "key_points", background=False)
    assert found == plain_terms(*batch, pixel_weights=weights)
    assert found != plain_terms(*batch)


def test_weights_of_the_border_are_for_the_pull_term_too(batch):
    found = embedding_terms(*batch, replace(SETTINGS, pixel_weights="border"))
    weights = pixel_weights(batch[1], "border", background=False)
    assert found == plain_terms(*batch, pixel_weights=weights, weigh_pull=True)
    assert found != plain_terms(*batch, pixel_weights=weights)


@pytest.mark.parametrize("background", [False, True])
def test_the_overlap_term_is_there_where_it_has_a_weight(batch, background):
    found = embedding_terms(*batch, replace(SETTINGS, overlap_weight=0.1, background=background))
    assert list(found) == ["pull", "push", "reg", "overlap"]
    assert found["overlap"].item() == overlap_term(*batch, background=background).item() > 0  # unweighted


def test_each_term_has_its_own_weight():
    names = ("pull", "push", "reg", "edge", "foreground", "overlap")
    weights = dict(zip(names, (2.0, 3.0, 5.0, 7.0, 11.0, 13.0), strict=True))
    settings = LossSettings(**{f"{name}_weight": weight for name, weight in weights.items()})
    terms = {name: torch.tensor(10.0**power) for power, name in enumerate(names)}
    assert weigh(terms, settings).item() == 2 + 30 + 500 + 7_000 + 110_000 + 1_300_000
    assert weigh({"reg": terms["reg"]}, settings).item() == 500


def test_what_is_weighed_can_be_trained_on(batch):
    embeddings, labels = batch
    settings = replace(SETTINGS, edge_weight=0.5, edge_pixels=100, pixel_weights="border", background=True)
    totals = []
    for _ in range(30):
        embeddings = embeddings.detach().requires_grad_()
        total = weigh(embedding_terms(embeddings, labels, settings), settings)
        embeddings = embeddings - 20 * torch.autograd.grad(total, embeddings)[0]
        totals.append(total.item())
    assert totals[-1] < totals[0] / 2
