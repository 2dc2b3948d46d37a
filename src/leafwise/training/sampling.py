"""Which photos an epoch shows."""

from collections import Counter
from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import Sampler


class GroupSampler(Sampler[int]):
    """Random photos, no more of a group than a number, others in the next epoch: a plant's photos are much alike.

    >>> sampler = GroupSampler(["a", "a", "a", "b"], 2)
    >>> len(sampler), len(list(sampler)), 3 in list(sampler)
    (3, 3, True)
    """

    def __init__(self, groups: Sequence[str], most: int) -> None:
        """`groups` is the plant of each photo; `most` photos of one are shown, 0 for all."""
        self.groups = groups
        self.most = most or len(groups)

    def __len__(self) -> int:
        return sum(min(count, self.most) for count in Counter(self.groups).values())

    def __iter__(self) -> Iterator[int]:
        shown: Counter[str] = Counter()
        for index in torch.randperm(len(self.groups)).tolist():
            shown[self.groups[index]] += 1
            if shown[self.groups[index]] <= self.most:
                yield index
