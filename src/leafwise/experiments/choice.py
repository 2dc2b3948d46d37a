"""Which candidate is the best, and what it is worth on photos that it was not chosen on."""

import numpy as np
import pandas as pd

TIE = 1e-9


def best_candidate(scores: pd.DataFrame) -> int:
    """The number of the candidate with the best mean of SBD - |DiC| over the rows; the first of equals.

    A leaf miscounted weighs as much as a point of SBD: by SBD alone, small leaves are given up too easily.
    """
    means = (scores["sbd"] - scores["abs_dic"]).groupby(scores["number"]).mean()
    return int(means.index[np.flatnonzero(means >= means.max() - TIE)[0]])


def chosen_elsewhere(scores: pd.DataFrame) -> pd.DataFrame:
    """A row for each photo: under the candidate that is the best on the other folds' photos.

    `scores` has the columns fold, photo, number, sbd and abs_dic. With one fold alone the choice is on itself.
    """
    parts = []
    for fold in scores["fold"].unique():
        others = scores[scores["fold"] != fold]
        best = best_candidate(others if len(others) else scores)
        parts.append(scores[(scores["fold"] == fold) & (scores["number"] == best)])
    photos: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return photos
