"""The scores by their definition, leaf by leaf on whole frames: slow, and plain enough to be believed."""

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.integer]


def direct_dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Dice score of two leaves in percent."""
    return 100 * 2 * float((one & other).sum()) / float(one.sum() + other.sum())


def direct_best_dice(labels: Labels, others: Labels) -> float:
    """Mean over the leaves of `labels` of the highest Dice score with any leaf of `others`."""
    leaves, candidates = _leaves(labels), _leaves(others)
    if not leaves and not candidates:
        return 100.0
    best = [max((direct_dice(leaf, other) for other in candidates), default=0.0) for leaf in leaves]
    return sum(best) / len(best) if best else 0.0


def direct_scores(truth: Labels, prediction: Labels) -> dict[str, float]:
    """All fields of leafwise.metrics.ImageScores."""
    best_truth, best_prediction = direct_best_dice(truth, prediction), direct_best_dice(prediction, truth)
    plant, predicted_plant = truth != 0, prediction != 0
    return {
        "sbd": min(best_truth, best_prediction),
        "best_dice_truth": best_truth,
        "best_dice_prediction": best_prediction,
        "fbd": direct_dice(plant, predicted_plant) if plant.any() or predicted_plant.any() else 100.0,
        "n_truth": len(_leaves(truth)),
        "n_prediction": len(_leaves(prediction)),
        "dic": len(_leaves(prediction)) - len(_leaves(truth)),
        **direct_best_dice_by_size(truth, prediction),
    }


def direct_best_dice_by_size(truth: Labels, prediction: Labels) -> dict[str, float]:
    """Mean best Dice of the small, medium and large leaves of the truth; nan where there is none."""
    leaves = _leaves(truth)
    areas = [int(leaf.sum()) for leaf in leaves]
    thirds: dict[str, list[float]] = {"sbd_small": [], "sbd_medium": [], "sbd_large": []}
    for leaf, area in zip(leaves, areas, strict=True):
        smaller, equal = sum(a < area for a in areas), sum(a == area for a in areas)
        middle_rank = smaller + (equal - 1) / 2
        place = (middle_rank + 0.5) / len(areas)
        third = "sbd_small" if place < 1 / 3 - 1e-9 else "sbd_medium" if place < 2 / 3 - 1e-9 else "sbd_large"
        thirds[third].append(max((direct_dice(leaf, other) for other in _leaves(prediction)), default=0.0))
    return {name: sum(best) / len(best) if best else float("nan") for name, best in thirds.items()}


def _leaves(labels: Labels) -> list[NDArray[np.bool_]]:
    return [labels == value for value in np.unique(labels) if value != 0]
