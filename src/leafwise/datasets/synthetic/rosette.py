"""A rosette: leaves in phyllotactic order, from the oldest and lowest to the youngest on top."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leafwise.datasets.synthetic.leaf import Leaf

GOLDEN_ANGLE = float(np.deg2rad(137.5))


@dataclass(frozen=True)
class Species:
    """The look of a kind of plant: the means around which its leaves vary."""

    aspect: float  # half width of the blade over the blade's length
    base: float  # the rest as in Leaf
    tip: float
    petiole: float
    teeth: float
    n_teeth: float
    color: tuple[float, float, float]
    weight: float  # how often it is drawn


SPECIES: dict[str, Species] = {
    "spoon": Species(0.34, 0.85, 0.48, 0.42, 0.13, 4.5, (0.43, 0.67, 0.16), 5),
    "round": Species(0.46, 0.60, 0.50, 0.45, 0.02, 4.0, (0.36, 0.60, 0.18), 2),
    "ovate": Species(0.36, 0.55, 0.68, 0.22, 0.02, 5.0, (0.40, 0.62, 0.20), 2),
    "spatulate": Species(0.25, 1.25, 0.45, 0.22, 0.06, 4.0, (0.45, 0.67, 0.18), 2),
    "lanceolate": Species(0.18, 0.85, 0.80, 0.18, 0.04, 6.0, (0.36, 0.58, 0.20), 1),
    "lobed": Species(0.30, 1.00, 0.50, 0.25, 0.34, 4.0, (0.40, 0.62, 0.16), 1),
}


@dataclass(frozen=True)
class Habit:
    """What the leaves of one plant have in common."""

    species: Species
    n_leaves: int
    reach: float  # pixels from the stem to the longest leaf's tip
    center: tuple[float, float]  # (y, x) of the stem
    aspect: float  # factors on the species' own
    teeth: float
    petiole: float
    tint: NDArray[np.float64]  # (3,) added to the species' colour
    stalk: float  # half width of a petiole over the reach
    red: float  # of the petioles, 0 = green


def grow(rng: np.random.Generator, shape: tuple[int, int], center: tuple[float, float]) -> list[Leaf]:
    """The leaves of one plant, lowest first, for a photo of `shape` (h, w) with the stem at `center` (y, x).

    Leaves follow one another at about 137.5 degrees. The first ones stay small and round, the next are the
    longest, and the youngest stand small and steep in the middle.
    """
    habit = _habit(rng, shape, center)
    turn, handed = rng.uniform(0, 2 * np.pi), rng.choice([-1, 1])
    angles = turn + handed * GOLDEN_ANGLE * np.arange(habit.n_leaves)
    angles += rng.normal(0, 0.16, habit.n_leaves)
    return [_leaf(rng, habit, order, float(angle)) for order, angle in enumerate(angles)]


def _habit(rng: np.random.Generator, shape: tuple[int, int], center: tuple[float, float]) -> Habit:
    kinds = list(SPECIES.values())
    weights = np.array([species.weight for species in kinds])
    n_leaves = int(np.clip(rng.normal(14, 5), 4, 26))
    reach = np.clip(0.17 + 0.013 * n_leaves + rng.normal(0, 0.055), 0.13, 0.47)
    return Habit(
        species=kinds[rng.choice(len(kinds), p=weights / weights.sum())],
        n_leaves=n_leaves,
        reach=float(reach * min(shape)),
        center=center,
        aspect=float(rng.normal(1, 0.10)),
        teeth=float(rng.uniform(0.3, 1.5)),
        petiole=float(rng.normal(1, 0.12)),
        tint=rng.normal(0, (0.035, 0.025, 0.025)),
        stalk=float(rng.uniform(0.009, 0.017)),
        red=float(max(0, rng.normal(-0.05, 0.12))),
    )


def _leaf(rng: np.random.Generator, habit: Habit, order: int, angle: float) -> Leaf:
    """Leaf number `order` (0 = the oldest) of a plant."""
    species = habit.species
    youth = (order + 0.5) / habit.n_leaves  # 0 = the oldest, 1 = the youngest
    grown = float(1 / (1 + np.exp((youth - 0.66) * 9)))  # how far it has come to its full size
    juvenile = max(0.0, 1 - order / 4)  # the first leaves are rounder, without teeth
    tilt = float(np.clip(rng.normal(0.15 + 0.5 * youth, 0.18), -0.2, 0.9))
    length = habit.reach * (0.13 + 0.87 * grown) * min(1.0, 0.55 + 0.11 * order) * float(np.cos(0.8 * tilt))
    length *= float(np.clip(rng.normal(1, 0.09), 0.7, 1.2))
    petiole = species.petiole * habit.petiole * (0.35 + 0.75 * grown) + rng.normal(0, 0.03)
    petiole = float(np.clip(petiole, 0.05, 0.6))
    aspect = species.aspect * habit.aspect * float(rng.normal(1, 0.07)) * (1 + 0.25 * juvenile)
    y, x = rng.normal(habit.center, 0.02 * habit.reach)
    color, rib_color = _colors(rng, habit, order, youth)
    return Leaf(
        foot=(float(y), float(x)),
        angle=angle,
        length=length,
        petiole=petiole,
        petiole_width=max(0.55, habit.stalk * habit.reach * (0.5 + 0.6 * grown)),
        width=max(1.2, length * (1 - petiole) * aspect),
        base=float(species.base * np.exp(rng.normal(0, 0.12))),
        tip=float(species.tip * np.exp(rng.normal(0, 0.08))),
        bend=float(rng.normal(0, 0.08)),
        teeth=species.teeth * habit.teeth * (1 - 0.75 * juvenile),
        n_teeth=species.n_teeth * float(rng.uniform(0.8, 1.2)),
        height=habit.reach * (0.03 + 0.11 * youth),
        tilt=tilt,
        color=color,
        rib_color=rib_color,
        seed=int(rng.integers(2**31)),
    )


def _colors(
    rng: np.random.Generator, habit: Habit, order: int, youth: float
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Of the blade, and of the midrib and petiole: young leaves are paler, an old one sometimes yellows."""
    fresh = 0.08 * (youth - 0.4) + rng.normal(0, 0.025)
    blade = np.array(habit.species.color) + habit.tint + fresh * np.array([1.0, 0.8, 0.5])
    if order < 4 and rng.uniform() < 0.10:
        blade += rng.uniform(0.05, 0.2) * np.array([1.1, 0.4, -0.1])
    rib = 0.65 * blade + np.array([0.25, 0.28, 0.19]) + habit.red * np.array([0.5, -0.5, 0.1])
    return (float(blade[0]), float(blade[1]), float(blade[2])), (float(rib[0]), float(rib[1]), float(rib[2]))
