"""The edge term: boundary pixels of different instances keep their embeddings apart (paper, section 3.1.1)."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from leafwise.config import LossSettings
from leafwise.losses.instances import boundary_of, instance_numbers, pixels_of_instances

CHUNK = 2**18  # distances that are held at once
HINGES = {"printed": 4.0, "authors": 2.0}  # in (delta_d - delta_v)


def edge_hinge(settings: LossSettings) -> float:
    """The distance from which on two boundary pixels are far enough apart, embedding units.

    As printed it is 2 delta_e with delta_e = 2 (delta_d - delta_v); the authors' own code takes delta_e itself.
    """
    return HINGES[settings.edge_hinge] * (settings.push_margin - settings.pull_margin)


def edge_term(
    embeddings: Tensor,
    labels: Tensor,
    *,
    hinge: float,
    n_pixels: int,
    background: bool,
    generator: torch.Generator | None = None,
) -> Tensor:
    """L_edge of a batch, a scalar tensor, unweighted; without a loop over instances or their pairs.

    For each two instances of an image: the mean of [hinge - distance]_+^2 over all pairs of a boundary pixel of the
    one and a boundary pixel of the other; the mean of that over the pairs of instances. Of each instance `n_pixels`
    (P) boundary pixels are drawn anew in every call, and all are taken where it has fewer: N'_c is the smaller of the
    two numbers, not "the maximum" as printed.

    Args:
        embeddings: (B, D, h, w), any float type; computed in float32 or better even under autocast.
        labels: integer (B, h, w), 0 = background, instances 1..n, gaps allowed.
        hinge: embedding units, see `edge_hinge`.
        n_pixels: P.
        background: True takes the background as one more instance (the paper); False leaves it out.
        generator: draws the pixels, on the device of the labels; None takes torch's own.

    An image with a single instance has no such pair and counts as 0; the term is averaged over the images that have
    instances. Of all the distances no more than CHUNK are held at once. It can be differentiated once.
    """
    with torch.autocast(embeddings.device.type, enabled=False):
        drawn = _draw(labels, n_pixels, background=background, generator=generator)
        gaps: Tensor = _SquaredGaps.apply(embeddings, drawn, hinge)  # type: ignore[no-untyped-call]
        n_pairs = drawn.n_instances * (drawn.n_instances - 1) / 2  # (B,)
        has_instances = pixels_of_instances(labels, background=background).flatten(1).any(1)
        return (gaps / n_pairs.clamp(min=1)).sum() / has_instances.sum().clamp(min=1)


class _Drawn(NamedTuple):
    """Boundary pixels, sorted by image and then by instance."""

    pixels: tuple[Tensor, Tensor, Tensor]  # image, row and column, int64 (n,) each
    numbers: Tensor  # of the pixels' instances, int64 (n,), rising
    n_of_own: Tensor  # N'_c of the pixels' instances, int64 (n,)
    n_of_images: list[int]  # pixels of each image
    n_instances: Tensor  # C of each image, int64 (B,)


def _draw(labels: Tensor, n_pixels: int, *, background: bool, generator: torch.Generator | None) -> _Drawn:
    """Boundary pixels of each instance: `n_pixels` of them, any as likely as any other, or all if it has fewer."""
    numbers, n_numbers = instance_numbers(labels)
    eligible = boundary_of(labels) & pixels_of_instances(labels, background=background)
    pixels = eligible.nonzero()  # (m, 3)
    shuffled = torch.randperm(len(pixels), generator=generator, device=labels.device)
    found, order = numbers[eligible][shuffled].sort(stable=True)  # of one instance they stay shuffled
    sizes = torch.bincount(found, minlength=len(labels) * n_numbers)  # (B * n_numbers,)
    first = sizes.cumsum(0) - sizes
    taken = torch.arange(len(found), device=labels.device) - first[found] < n_pixels
    found, pixels = found[taken], pixels[shuffled[order[taken]]]
    sizes = sizes.clamp(max=n_pixels)
    of_images = sizes.view(len(labels), n_numbers)
    image, row, column = pixels.unbind(1)
    return _Drawn(
        (image, row, column), found, sizes[found], of_images.sum(1).tolist(), (of_images > 0).sum(1)
    )


class _SquaredGaps(torch.autograd.Function):
    """Mean of [hinge - distance]_+^2 of each two instances, summed over those of an image: (B, D, h, w) -> (B,).

    A pair of points of weight w adds w (hinge - d)^2, whose gradient at x_i is -2 w (hinge - d) / d (x_i - x_j). Sums
    over j are matrix products, and the gradient is found beside the value, so that no distance is kept for later.
    """

    @staticmethod
    def forward(ctx: Any, embeddings: Tensor, drawn: _Drawn, hinge: float) -> Tensor:
        points = embeddings.permute(0, 2, 3, 1)[drawn.pixels]  # (n, D)
        points = points if points.dtype == torch.float64 else points.float()
        other = drawn.numbers.diff(prepend=drawn.numbers[:1]) > 0
        ranks = other.cumsum(0).to(points.dtype)  # of the instances, small enough to be exact
        weights = 1 / drawn.n_of_own.to(points.dtype)
        largest = int(drawn.n_of_own.max()) if len(points) else 0
        centered = (points - points.mean(0)).T.contiguous()  # (D, n), small numbers round less
        ones, lengths = torch.ones_like(centered[:1]), centered.square().sum(0, keepdim=True)
        # a column of the left times one of the right is a squared distance
        left = torch.cat([-2 * centered, lengths, ones])  # (D + 2, n)
        right = torch.cat([centered, ones, lengths])
        smallest = _rounding(lengths) if len(points) else 0
        weighted = weights * torch.cat([centered, ones])  # (D + 1, n)
        pulls = torch.zeros_like(weighted)
        sums = points.new_zeros(len(drawn.n_of_images))
        for image, rows, columns in _blocks(drawn.n_of_images):
            distances = (left[:, rows].T @ right[:, columns]).clamp_(min=smallest).sqrt_()  # (rows, columns)
            gaps = (hinge - distances).clamp_(min=0)
            # each pair of points once, and no two of one instance; further right there are none of these
            near = slice(columns.start, min(rows.stop + largest, columns.stop))
            gaps[:, : near.stop - near.start] *= (ranks[near] - ranks[rows, None]).clamp_(0, 1)
            forces = torch.div(gaps, distances, out=distances)
            pulls[:, rows].addmm_(weighted[:, columns], forces.T)
            pulls[:, columns].addmm_(weighted[:, rows], forces)
            sums[image] += weights[rows] @ (gaps.square_() @ weights[columns])
        gradient = -2 * weights * (pulls[-1] * centered - pulls[:-1])  # (D, n)
        ctx.save_for_backward(embeddings, gradient.T, *drawn.pixels)
        return sums

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor, None, None]:
        embeddings, gradient, *pixels = ctx.saved_tensors
        whole = torch.zeros_like(embeddings)
        # no pixel is drawn twice
        whole.permute(0, 2, 3, 1)[tuple(pixels)] = (outer[pixels[0], None] * gradient).to(whole.dtype)
        return whole, None, None


def _rounding(lengths: Tensor) -> Tensor:
    """Squared distances below this are rounding; the force between two points goes to 0 there instead of flipping."""
    limits = torch.finfo(lengths.dtype)
    return (4 * limits.eps * lengths.max()).clamp(min=limits.tiny)


def _blocks(sizes: list[int]) -> Iterator[tuple[int, slice, slice]]:
    """Image, rows and columns of blocks, no more than CHUNK large, with every pair of points of an image."""
    end = 0
    for image, size in enumerate(sizes):
        start, end = end, end + size
        while start < end:
            stop = min(start + max(CHUNK // (end - start), 1), end)
            yield image, slice(start, stop), slice(start, end)
            start = stop
