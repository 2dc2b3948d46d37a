"""The discriminative loss of De Brabandere et al. 2017 (paper, section 2, equations 1 to 3)."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from leafwise.losses.instances import instance_numbers, pixels_of_instances, runs_of

CHUNK = 2**13  # pixels of which something is made at once on a CPU; its cache holds it


class DiscriminativeTerms(NamedTuple):
    """The terms of the loss, each a scalar tensor, unweighted, averaged over the images of the batch."""

    pull: Tensor  # L_var, equation 1
    push: Tensor  # L_dist, equation 2
    reg: Tensor  # L_reg, equation 3


def discriminative_terms(
    embeddings: Tensor,
    labels: Tensor,
    *,
    pull_margin: float,
    push_margin: float,
    background: bool,
    pixel_weights: Tensor | None = None,
    weigh_pull: bool = False,
) -> DiscriminativeTerms:
    """Pull, push and regularisation terms of a batch, without a loop over instances or images.

    Args:
        embeddings: (B, D, h, w), any float type; computed in float32 or better even under autocast. It is fastest
            where they lie in memory pixel by pixel (torch.channels_last), as their gradient does.
        labels: integer (B, h, w), 0 = background, instances 1..n, gaps allowed.
        pull_margin: delta_v, embedding units.
        push_margin: delta_d, half the distance kept between centers, embedding units.
        background: True takes the background as one more instance (the paper); False leaves it out.
        pixel_weights: w_i, (B, h, w), at least 1, for the instances' means (3.1.2); None: all pixels count the same.
        weigh_pull: whether an instance's part in the pull term is weighted by them too (section 8), or a plain mean.

    An image without instances adds nothing, and one with a single instance has no push term; the terms are
    averaged over the images that have instances. They can be differentiated once.
    """
    with torch.autocast(embeddings.device.type, enabled=False):
        points = embeddings.permute(0, 2, 3, 1).flatten(0, 2).contiguous()  # (n, D), n = B * h * w
        points = points if points.dtype == torch.float64 else points.float()
        numbers, n_numbers = instance_numbers(labels)
        members = Members(numbers.flatten(), runs_of(labels), len(labels) * n_numbers)
        equal = pixels_of_instances(labels, background=background).flatten().to(points.dtype)  # (n,)
        weights = equal if pixel_weights is None else equal * pixel_weights.flatten()
        pulling = weights if weigh_pull else equal
        sizes = members.sums_of(pulling[:, None]).view(len(labels), n_numbers)  # or the sums of the weights
        exists = (sizes > 0).to(points.dtype)  # (B, K)
        n_instances = exists.sum(1)  # (B,), C of the paper
        n_images = (n_instances > 0).sum().clamp(min=1)

        # a pixel's share in the pull term
        shares = exists / (sizes * n_instances[:, None]).clamp(min=1) / n_images
        pulling = pulling * shares.flatten().index_select(0, members.numbers)
        pull, centers = _Pull.apply(points, members, weights, pulling, pull_margin)  # type: ignore[no-untyped-call]
        centers = centers.view(len(labels), n_numbers, points.shape[1])  # (B, K, D)

        between = torch.linalg.vector_norm(centers[:, :, None] - centers[:, None], dim=3)  # (B, K, K)
        pairs = (exists[:, :, None] * exists[:, None]).triu(1)
        gaps = (2 * push_margin - between).clamp(min=0).square() * pairs
        push = gaps.sum((1, 2)) / (n_instances * (n_instances - 1) / 2).clamp(min=1)

        lengths = torch.linalg.vector_norm(centers, dim=2) * exists
        reg = lengths.sum(1) / n_instances.clamp(min=1)
        return DiscriminativeTerms(pull, push.sum() / n_images, reg.sum() / n_images)


class Members(NamedTuple):
    """Which of the K instances of a batch each of its n pixels is of."""

    numbers: Tensor  # int64 (n,), 0..K - 1
    runs: Tensor  # int64 (r,), rising: the first pixel of each run of pixels of one instance
    n_instances: int  # K

    def sums_of(self, points: Tensor, weights: Tensor | None = None) -> Tensor:
        """Sum over the pixels of each instance, weighted by (n,) or not: (n, D) -> (K, D).

        >>> Members(torch.tensor([0, 0, 2]), torch.tensor([0, 2]), 3).sums_of(torch.tensor([[1.], [2.], [5.]]))
        tensor([[3.],
                [0.],
                [5.]])
        """
        pixels = torch.arange(len(points), device=points.device)
        # run by run first: short sums round less, and few are left that go to one place
        sums = functional.embedding_bag(pixels, points, self.runs, mode="sum", per_sample_weights=weights)
        whole = points.new_zeros((self.n_instances, points.shape[1]))
        return whole.index_add_(0, self.numbers[self.runs], sums)


def centers_of(points: Tensor, members: Members, weights: Tensor) -> Tensor:
    """Mean embedding (mu_c) of each instance: (n, D) and the pixels' weights (n,) -> (K, D).

    A weight is at least 1, or 0 for a pixel that does not count. An instance without pixels has its center at the
    origin.

    >>> members = Members(torch.tensor([0, 0, 1]), torch.tensor([0, 2]), 2)
    >>> centers_of(torch.tensor([[0.], [2.], [6.]]), members, torch.ones(3))
    tensor([[1.],
            [6.]])
    """
    return members.sums_of(points, weights) / members.sums_of(weights[:, None]).clamp(min=1)


class _Pull(torch.autograd.Function):
    """The pull term and the centers: points (n, D) -> scalar, (K, D).

    With a_i for a pixel's share, pull = sum_i a_i [|x_i - mu_c| - delta_v]_+^2. Its gradient is f_i (x_i - mu_c) where
    the center is held, f_i = 2 a_i [d_i - delta_v]_+ / d_i, and each pixel has w_i / sum w of what arrives at its
    center: the gradient of the other terms, less all f_i (x_i - mu_c) of the instance. The offsets x_i - mu_c are
    found twice, chunk by chunk: nothing as large as the points is made but their gradient.
    """

    @staticmethod
    def forward(
        ctx: Any, points: Tensor, members: Members, weights: Tensor, shares: Tensor, margin: float
    ) -> tuple[Tensor, Tensor]:
        centers = centers_of(points, members, weights)
        chunks = _chunks(points, members.numbers)
        distances = torch.cat(
            [torch.linalg.vector_norm(_offsets(some, of, centers), dim=1) for some, of in chunks]
        )
        beyond = (distances - margin).clamp_(min=0)  # (n,)
        forces = 2 * shares * beyond / distances.clamp_(min=torch.finfo(points.dtype).tiny)
        ctx.save_for_backward(points, weights, centers, forces)
        ctx.members = members
        return shares @ beyond.square_(), centers

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor, at_centers: Tensor) -> tuple[Tensor, None, None, None, None]:
        points, weights, centers, forces = ctx.saved_tensors
        members, gradient = ctx.members, torch.empty_like(points)
        for out, some, of, force in _chunks(gradient, points, members.numbers, outer * forces):
            torch.mul(_offsets(some, of, centers), force[:, None], out=out)
        at_centers = at_centers - members.sums_of(gradient)
        at_centers /= members.sums_of(weights[:, None]).clamp(min=1)
        for out, of, weight in _chunks(gradient, members.numbers, weights):
            out.addcmul_(at_centers.index_select(0, of), weight[:, None])
        return gradient, None, None, None, None


def _offsets(points: Tensor, numbers: Tensor, centers: Tensor) -> Tensor:
    """Points less the centers of their instances: (n, D), int64 (n,), (K, D) -> (n, D)."""
    own = centers.index_select(0, numbers)
    return torch.sub(points, own, out=own)


def _chunks(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Tensors (n, ...), CHUNK pixels at a time, as views; all at once elsewhere than on a CPU."""
    size = CHUNK if tensors[0].device.type == "cpu" else max(len(tensors[0]), 1)
    return zip(*(torch.split(tensor, size) for tensor in tensors), strict=True)
