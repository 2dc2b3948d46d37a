"""Which photos an epoch shows."""

from collections import Counter
from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import Sampler


class GroupSampler(Sampler[int]):
    """Random photos, drawn anew in each epoch, no more of a group than a number: a plant's photos are much alike.

    >>> sampler = GroupSampler(["a", "a", "a", "b"], 2, seed=0)
    >>> len(sampler), len(list(sampler)), 3 in list(sampler)
    (3, 3, True)
    """

    def __init__(self, groups: Sequence[str], most: int, *, seed: int) -> None:
        """`groups` is the plant of each photo; `most` photos of one are shown, 0 for all.

        Seed and epoch alone say which: several devices and a run that is resumed see the same epochs.
        """
        self.groups = groups
        self.seed = seed
        self.epoch = 0
        self.most = most or len(groups)

    def __len__(self) -> int:
        return sum(min(count, self.most) for count in Counter(self.groups).values())

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        shown: Counter[str] = Counter()
        generator = torch.Generator().manual_seed(1_000_003 * self.seed + self.epoch)
        for index in torch.randperm(len(self.groups), generator=generator).tolist():
            shown[self.groups[index]] += 1
            if shown[self.groups[index]] <= self.most:
                yield index
