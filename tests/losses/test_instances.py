import pytest
import torch
from hypothesis import given
from speckled import direct_boundary, label_batches

from leafwise.losses.instances import boundary_of, instance_numbers, pixels_of_instances, runs_of


@given(labels=label_batches())
def test_the_boundary_is_what_a_look_at_all_neighbours_finds(labels):
    expected = torch.stack([direct_boundary(one) for one in labels])
    for dtype in (torch.int64, torch.int32, torch.uint8):
        assert torch.equal(boundary_of(labels.to(dtype)), expected)


def test_the_edge_of_the_image_is_no_boundary():
    assert not boundary_of(torch.full((2, 5, 4), 3)).any()


def test_diagonal_neighbours_count():
    labels = torch.tensor([[[1, 1, 1], [1, 1, 1], [1, 1, 2]]])
    assert boundary_of(labels).int().tolist() == [[[0, 0, 0], [0, 1, 1], [0, 1, 1]]]


@given(labels=label_batches())
def test_two_pixels_have_one_number_just_where_image_and_label_are_the_same(labels):
    numbers, n_numbers = instance_numbers(labels)
    image = torch.arange(len(labels))[:, None, None].expand_as(labels)
    assert torch.equal(numbers // n_numbers, image)
    assert torch.equal(numbers % n_numbers, labels)


@given(labels=label_batches())
def test_runs_start_at_the_left_and_where_the_label_changes(labels):
    width = labels.shape[2]
    flat = labels.flatten().tolist()
    expected = [i for i, one in enumerate(flat) if i % width == 0 or one != flat[i - 1]]
    assert runs_of(labels).tolist() == expected


@pytest.mark.parametrize("background", [False, True])
def test_no_pixels_at_all(background):
    labels = torch.zeros(2, 0, 4, dtype=torch.int32)
    assert pixels_of_instances(labels, background=background).shape == labels.shape
    assert boundary_of(labels).shape == labels.shape
    assert runs_of(labels).shape == (0,)
    assert instance_numbers(labels)[1] == 1
