import numpy as np
import pytest

from leafwise.imaging import turn, turn_back

MARKED = np.arange(6).reshape(2, 3)


def test_turns_are_quarters_and_then_mirrored():
    turned = [turn(MARKED, number).tolist() for number in range(8)]
    assert turned == [
        [[0, 1, 2], [3, 4, 5]],
        [[2, 5], [1, 4], [0, 3]],
        [[5, 4, 3], [2, 1, 0]],
        [[3, 0], [4, 1], [5, 2]],
        [[2, 1, 0], [5, 4, 3]],
        [[5, 2], [4, 1], [3, 0]],
        [[3, 4, 5], [0, 1, 2]],
        [[0, 3], [1, 4], [2, 5]],
    ]


@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("axes", [(0, 1), (1, 2)])
def test_every_turn_can_be_undone(number, axes):
    pixels = np.arange(60).reshape(3, 4, 5)
    np.testing.assert_array_equal(turn_back(turn(pixels, number, axes), number, axes), pixels)
