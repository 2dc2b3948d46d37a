from collections import Counter

import torch
from hypothesis import given
from hypothesis import strategies as st

from leafwise.training.sampling import GroupSampler


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=20), st.integers(0, 5))
def test_each_group_is_shown_as_often_as_asked_and_no_photo_twice(groups, most):
    sampler = GroupSampler(groups, most, seed=1)
    shown = list(sampler)
    assert len(shown) == len(sampler) == len(set(shown))
    expected = {group: min(count, most or count) for group, count in Counter(groups).items()}
    assert Counter(groups[index] for index in shown) == expected


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=8), st.integers(0, 3), st.integers(0, 40))
def test_few_photos_are_drawn_again_until_there_are_enough(groups, most, least):
    once, sampler = GroupSampler(groups, most, seed=3), GroupSampler(groups, most, least=least, seed=3)
    shown = list(sampler)
    assert len(shown) == len(sampler) == max(least, len(once))
    assert shown[: len(once)] == list(once)
    for start in range(0, len(shown), len(once)):
        again = shown[start : start + len(once)]
        assert len(set(again)) == len(again)


def test_every_photo_has_its_turn():
    sampler = GroupSampler(["a"] * 6 + ["b"], 2, seed=0)
    shown = set()
    for epoch in range(40):
        sampler.set_epoch(epoch)
        shown |= set(sampler)
    assert shown == set(range(7))


def test_seed_and_epoch_alone_say_what_is_shown():
    one, other = (GroupSampler(list("aaaabbbbcccc"), 3, seed=4) for _ in range(2))
    first = list(one)
    torch.rand(5)
    assert list(other) == first
    other.set_epoch(1)
    assert list(other) != first
