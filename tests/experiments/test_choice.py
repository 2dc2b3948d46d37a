"""Which candidate is chosen, worked by hand and, nested, by the plain loop."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafwise.experiments.choice import best_candidate, chosen_elsewhere


def table_of(sbds, abs_dics=None):
    """Scores of photos (fold, photo, candidate); |DiC| is 0 where it is not given."""
    rows = []
    for fold, photos in enumerate(sbds, 1):
        for photo, scores in enumerate(photos):
            for number, sbd in enumerate(scores):
                dic = 0.0 if abs_dics is None else abs_dics[fold - 1][photo][number]
                rows.append(
                    {
                        "fold": fold,
                        "photo": f"{fold}-{photo}",
                        "number": number,
                        "sbd": float(sbd),
                        "abs_dic": float(dic),
                    }
                )
    return pd.DataFrame(rows)


def test_a_leaf_miscounted_weighs_as_much_as_a_point_of_sbd():
    sbds, abs_dics = [[[80, 82, 81]], [[80, 82, 81]]], [[[0, 2, 0]], [[0, 1, 1]]]
    assert best_candidate(table_of(sbds)) == 1
    assert best_candidate(table_of(sbds, abs_dics)) == 1  # 80, 80.5, 80.5: the first of equals
    abs_dics[0][0][1] = 3
    assert best_candidate(table_of(sbds, abs_dics)) == 2  # 80, 80, 80.5


def test_of_candidates_equal_but_for_rounding_the_first_is_chosen():
    first, second = [0.1, 0.2, 0.3], [0.3, 0.2, 0.1]  # their sums differ in the last bit
    scores = table_of([[[a, b] for a, b in zip(first, second, strict=True)], [[0.0, 1e-12]]])
    assert best_candidate(scores) == 0
    assert best_candidate(table_of([[[0.0, 1e-6]]])) == 1


def test_the_choice_for_a_fold_is_that_of_the_others_by_hand():
    sbds = [[[100, 40, 0], [80, 60, 20]], [[20, 80, 70]], [[10, 40, 90]]]
    photos = chosen_elsewhere(table_of(sbds))
    # means over the photos of folds 2 and 3: 15 60 80; of 1 and 3: 63.3 46.7 36.7; of 1 and 2: 66.7 60 30
    assert photos["number"].tolist() == [2, 2, 0, 0]
    assert photos["sbd"].tolist() == [0, 20, 20, 10]
    assert photos["photo"].tolist() == ["1-0", "1-1", "2-0", "3-0"]


def test_with_one_fold_alone_the_choice_is_on_itself():
    photos = chosen_elsewhere(table_of([[[1, 9], [3, 2]]]))
    assert photos["sbd"].tolist() == [9, 2]


@given(
    scores=st.lists(
        st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=1, max_size=3),
        min_size=2,
        max_size=4,
    )
)
def test_no_photo_has_a_say_in_how_it_is_scored(scores):
    found = chosen_elsewhere(table_of(scores)).set_index("photo")["number"]
    for fold, photos in enumerate(scores):
        others = [photo for other, part in enumerate(scores) if other != fold for photo in part]
        means = [sum(photo[number] for photo in others) for number in range(3)]
        best = means.index(max(means))
        assert [found[f"{fold + 1}-{i}"] for i in range(len(photos))] == [best] * len(photos)
    assert len(found) == sum(len(photos) for photos in scores)


@pytest.mark.parametrize("numbers", [[3, 7], [7, 3]])
def test_candidates_keep_their_numbers(numbers):
    scores = table_of([[[5, 9]], [[5, 9]]])
    scores["number"] = np.array(numbers)[scores["number"]]
    assert best_candidate(scores) == numbers[1]
