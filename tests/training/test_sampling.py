from collections import Counter

import torch
from hypothesis import given
from hypothesis import strategies as st

from leafwise.training.sampling import GroupSampler


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=20), st.integers(0, 5))
def test_each_group_is_shown_as_often_as_asked_and_no_photo_twice(groups, most):
    sampler = GroupSampler(groups, most)
    shown = list(sampler)
    assert len(shown) == len(sampler) == len(set(shown))
    expected = {group: min(count, most or count) for group, count in Counter(groups).items()}
    assert Counter(groups[index] for index in shown) == expected


def test_every_photo_has_its_turn():
    torch.manual_seed(0)
    sampler = GroupSampler(["a"] * 6 + ["b"], 2)
    assert {index for _ in range(40) for index in sampler} == set(range(7))
