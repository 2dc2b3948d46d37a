"""Which photos an epoch shows."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

import torch
from torch.utils.data import Sampler


class GroupSampler(Sampler[int]):
    """Random photos, drawn anew in each epoch, no more of a group than a number: a plant's photos are much alike.

    Where an epoch would have too few, it draws once more, and again: steps are what a network learns from.

    >>> sampler = GroupSampler(["a", "a", "a", "b"], 2, seed=0)
    >>> len(sampler), len(list(sampler)), 3 in list(sampler)
    (3, 3, True)
    >>> len(GroupSampler(["a", "a", "a", "b"], 2, least=8, seed=0))
    8
    """

    def __init__(self, groups: Sequence[str], most: int, *, least: int = 0, seed: int) -> None:
        """`groups` is the plant of each photo; `most` photos of one are drawn, 0 for all, `least` of all in an epoch.

        Seed and epoch alone say which: several devices and a run that is resumed see the same epochs.
        """
        self.groups = groups
        self.seed = seed
        self.epoch = 0
        self.most = most or len(groups)
        drawn = sum(min(count, self.most) for count in Counter(groups).values())
        self.length = max(drawn, least)

    def __len__(self) -> int:
        return self.length

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        return islice(self._drawn(), self.length)

    def _drawn(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(1_000_003 * self.seed + self.epoch)
        while True:
            shown: Counter[str] = Counter()
            for index in torch.randperm(len(self.groups), generator=generator).tolist():
                shown[self.groups[index]] += 1
                if shown[self.groups[index]] <= self.most:
                    yield index
