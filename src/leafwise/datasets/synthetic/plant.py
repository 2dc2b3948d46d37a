"""A whole photo: scene, rosette, shadows and camera, with the exact label map."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from leafwise.datasets.synthetic.camera import Light, make_light, take_photo
from leafwise.datasets.synthetic.fields import soften
from leafwise.datasets.synthetic.leaf import Leaf, Patch, place, surface
from leafwise.datasets.synthetic.rosette import grow
from leafwise.datasets.synthetic.scene import draw_scene, make_pot
from leafwise.errors import SettingsError

MIN_VISIBLE = 20  # pixels: a leaf that shows fewer is left out of photo and label map
MIN_SIDE = 16  # pixels: under it no leaf could be told from another
DEFAULT_HEIGHT, DEFAULT_WIDTH = 500, 530
REFERENCE_SIDE = 500


def draw_plant(
    seed: int, *, height: int = DEFAULT_HEIGHT, width: int = DEFAULT_WIDTH
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """A photo of a rosette from above, and its leaves: uint8 (height, width, 3) and int32 (height, width).

    The label map holds 0 for the background and 1..n for the leaves, oldest first, without gaps; a leaf's
    petiole belongs to it, and a pixel to the uppermost leaf that covers at least half of it. A leaf of which
    fewer than `MIN_VISIBLE` pixels would show (fewer still in photos under 500 pixels) is not drawn at all.
    The same seed and size give the same arrays.

    Raises SettingsError for a negative seed or a side under `MIN_SIDE`.

    >>> image, labels = draw_plant(7, height=60, width=80)
    >>> image.shape, labels.shape, bool(labels.max() > 3)
    ((60, 80, 3), (60, 80), True)
    """
    check_request(seed, height, width)
    scene_rng, plant_rng, camera_rng = np.random.default_rng(seed).spawn(3)
    shape, light = (height, width), make_light(camera_rng)
    pot = make_pot(scene_rng, shape)
    drift = plant_rng.normal(0, 0.12, 2).clip(-0.3, 0.3) * pot.radius
    center = (pot.center[0] + float(drift[0]), pot.center[1] + float(drift[1]))
    leaves = visible_leaves(grow(plant_rng, shape, center), shape)
    picture = draw_scene(scene_rng, shape, pot, light.sun)
    paint(picture, leaves, light)
    return take_photo(camera_rng, picture, light), stack([patch for _, patch in leaves], shape)


def check_request(seed: int, height: int, width: int) -> None:
    """Raise SettingsError for a seed or a size that cannot be drawn."""
    if seed < 0:
        raise SettingsError(f"seed {seed} is negative; give 0 or a larger integer")
    if min(height, width) < MIN_SIDE:
        raise SettingsError(
            f"{height} x {width} pixels is too small for a plant; give at least {MIN_SIDE} a side"
        )


def visible_leaves(leaves: Sequence[Leaf], shape: tuple[int, int]) -> list[tuple[Leaf, Patch]]:
    """The leaves that show enough of themselves in a photo of `shape` (h, w), with where they lie."""
    placed = [(leaf, patch) for leaf in leaves if (patch := place(leaf, shape)) is not None]
    sizes = np.bincount(stack([patch for _, patch in placed], shape).ravel(), minlength=len(placed) + 1)
    least = MIN_VISIBLE * min(1.0, min(shape) / REFERENCE_SIDE)
    return [pair for pair, size in zip(placed, sizes[1:], strict=True) if size >= least]


def stack(patches: Sequence[Patch], shape: tuple[int, int]) -> NDArray[np.int32]:
    """Leaves laid over one another, the first one lowest: int32 (h, w), leaf i as i + 1."""
    labels = np.zeros(shape, np.int32)
    for number, patch in enumerate(patches, start=1):
        labels[patch.box][patch.coverage >= 0.5] = number
    return labels


def paint(picture: NDArray[np.float32], leaves: Sequence[tuple[Leaf, Patch]], light: Light) -> None:
    """Paint the leaves into `picture` (h, w, 3), lowest first, each with the soft shadow that it throws."""
    for leaf, patch in leaves:
        _shade(picture, leaf, patch, light)
        below = picture[patch.box]
        below += (surface(leaf, patch, light.sun, light.ambient) - below) * patch.coverage[..., None]


def _shade(picture: NDArray[np.float32], leaf: Leaf, patch: Patch, light: Light) -> None:
    """Darken what lies under a leaf: a shadow away from the sun, wider and softer the higher the leaf."""
    radius = max(1.0, 0.7 * leaf.height)
    margin = int(2 * radius) + 1
    slant = leaf.height * 1.6 / light.sun[2]
    move = (round(-light.sun[1] * slant), round(-light.sun[0] * slant))
    padded = soften(np.pad(patch.coverage, margin), radius)
    spans, crops = [], []
    for span, shift, size in zip(patch.box, move, picture.shape[:2], strict=True):
        start, stop = span.start - margin + shift, span.stop + margin + shift
        low, high = min(max(start, 0), size), max(min(stop, size), 0)
        spans.append(slice(low, high))
        crops.append(slice(low - start, high - start))
    picture[spans[0], spans[1]] *= 1 - np.float32(light.shadow) * padded[crops[0], crops[1], None]
