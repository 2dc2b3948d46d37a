"""One leaf: its outline from a few numbers, its coverage of the pixels, and its lit surface."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leafwise.datasets.synthetic.fields import Field, random_field, smoothstep

SAMPLES = 512  # of the outline, from the petiole's foot to the tip


@dataclass(frozen=True)
class Leaf:
    """A leaf as it lies in the photo; lengths in pixels, angles in radians, colours 0..1."""

    foot: tuple[float, float]  # (y, x) where the petiole leaves the stem
    angle: float  # of the petiole, 0 = to the right, growing clockwise (y points down)
    length: float  # foot to tip, as seen from above
    petiole: float  # part of the length without a blade, 0..1
    petiole_width: float  # half of it
    width: float  # half of the blade's, at its widest
    base: float  # exponent of the outline at the blade's base: small = blunt, large = wedge
    tip: float  # exponent at the tip: 0.5 = round, 1 = pointed
    bend: float  # sideways at the tip, as a part of the length
    teeth: float  # depth of the teeth or lobes, as a part of the width
    n_teeth: float  # on each side
    height: float  # above the soil: throws the shadow
    tilt: float  # of the blade, positive: the tip stands up
    color: tuple[float, float, float]
    rib_color: tuple[float, float, float]
    seed: int


@dataclass(frozen=True)
class Patch:
    """Where a leaf lies: its box in the photo and, inside it, how much of each pixel it covers."""

    box: tuple[slice, slice]
    coverage: Field  # (h, w), 0..1
    along: Field  # (h, w), 0 at the foot, 1 at the tip
    across: Field  # (h, w), -1 and 1 at the two edges, 0 on the midrib
    half_width: Field  # (h, w), pixels


def outline(leaf: Leaf) -> NDArray[np.float32]:
    """Half widths of both sides along the leaf: float32 (2, SAMPLES), pixels, from foot to tip."""
    rng = np.random.default_rng(leaf.seed)
    q = np.linspace(0, 1, SAMPLES, dtype=np.float32)
    p = np.clip((q - leaf.petiole) / (1 - leaf.petiole), 0, 1)
    widest = leaf.base / (leaf.base + leaf.tip)
    peak = widest**leaf.base * (1 - widest) ** leaf.tip
    blade = leaf.width / peak * p**leaf.base * (1 - p) ** leaf.tip
    stalk = leaf.petiole_width * (1.0 + 0.7 * (1 - q) ** 4) * smoothstep(q, 1.0, 0.6)
    sides = []
    for _ in range(2):
        phase = p * leaf.n_teeth + rng.uniform(0, 1) + 0.12 * np.sin(2 * np.pi * p * rng.uniform(1, 2))
        saw = (phase % 1.0) ** 0.8
        tooth = np.minimum(saw, (1 - saw) * 3.5) - 0.4
        wave = np.interp(q, np.linspace(0, 1, 9), rng.standard_normal(9))
        wavy = blade * (1 + leaf.teeth * tooth * smoothstep(p, 1.0, 0.6) * 1.6 + 0.035 * wave)
        sides.append((wavy**4 + stalk**4) ** 0.25)
    return np.asarray(sides, np.float32)


def place(leaf: Leaf, shape: tuple[int, int]) -> Patch | None:
    """The leaf's box and coverage in a photo of `shape` (h, w); None where it lies outside the photo."""
    widths = outline(leaf)
    box = _box(leaf, widths, shape)
    if box is None:
        return None
    rows, columns = box
    dy = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - np.float32(leaf.foot[0])
    dx = np.arange(columns.start, columns.stop, dtype=np.float32)[None] - np.float32(leaf.foot[1])
    cos, sin = np.float32(np.cos(leaf.angle)), np.float32(np.sin(leaf.angle))
    u = dx * cos + dy * sin
    v = dy * cos - dx * sin - np.float32(leaf.bend / leaf.length) * u * u
    along = np.clip(u / np.float32(leaf.length), 0, 1)
    index = (along * np.float32(SAMPLES - 1)).astype(np.intp) + SAMPLES * (v > 0)
    half_width = widths.ravel()[index]
    # a sloping edge is nearer than it is across the leaf; past a slope of 2 (teeth, tip) that would smear it
    slope = np.gradient(widths, leaf.length / SAMPLES, axis=1).clip(-2, 2).ravel()[index]
    inside = (half_width - np.abs(v)) / np.sqrt(1 + slope * slope)
    inside = np.minimum(inside, np.minimum(u + 0.5, np.float32(leaf.length) - u))
    across = np.clip(v / np.maximum(half_width, np.float32(0.5)), -1, 1)
    return Patch(
        box=box,
        coverage=np.asarray(np.clip(inside + np.float32(0.5), 0, 1), np.float32),
        along=along.astype(np.float32, copy=False),
        across=across.astype(np.float32, copy=False),
        half_width=half_width,
    )


def _box(leaf: Leaf, widths: NDArray[np.float32], shape: tuple[int, int]) -> tuple[slice, slice] | None:
    u = np.linspace(0, leaf.length, SAMPLES)
    middle = leaf.bend / leaf.length * u * u
    v = np.concatenate([middle - widths[0], middle + widths[1]])
    u = np.concatenate([u, u])
    cos, sin = np.cos(leaf.angle), np.sin(leaf.angle)
    spans = []
    for foot, points, size in zip(leaf.foot, (u * sin + v * cos, u * cos - v * sin), shape, strict=True):
        low, high = int(foot + points.min()) - 2, int(foot + points.max()) + 3
        spans.append(slice(max(0, low), min(size, high)))
    if any(span.stop - span.start < 2 for span in spans):
        return None
    return spans[0], spans[1]


def surface(leaf: Leaf, patch: Patch, sun: NDArray[np.float32], ambient: float) -> NDArray[np.float32]:
    """The leaf's colours under the light: float32 (h, w, 3), 0..1, valid where its coverage is above 0.

    `sun` is the direction towards the light as (x, y, z), of length 1; `ambient` the share of the light that
    comes from everywhere, 0..1. The blade is arched across and along, its rib and side veins lie in grooves,
    and it bulges between them.
    """
    rng = np.random.default_rng([leaf.seed, 1])
    along, across, half = patch.along, patch.across, patch.half_width
    p = np.clip((along - np.float32(leaf.petiole)) / np.float32(1 - leaf.petiole), 0, 1)
    blade = smoothstep(p, 0.0, 0.12)
    offset = np.abs(across) * half  # pixels from the midrib
    fine = np.float32(max(leaf.width / 28, 0.35))
    rib = np.exp(-((offset / (fine * np.float32(1.6) * (np.float32(1.25) - p))) ** 2))
    n_veins, lean = rng.uniform(4.5, 7.0), rng.uniform(0.25, 0.45)
    phase = (p - np.float32(lean) * np.abs(across) ** 1.3 + 1) * np.float32(n_veins)
    phase = phase + np.float32(0.25) * (across > 0)
    bumps = random_field(rng, p.shape, max(leaf.width / 3.2, 1.5))
    crinkles = random_field(rng, p.shape, max(leaf.width / 9, 1.0))
    phase = phase + np.float32(0.10) * bumps
    wave = np.abs(phase % 1 - np.float32(0.5)) * 2  # 1 on a side vein, 0 between two
    vein = wave**10 * blade * (1 - across**2)
    arch = rng.uniform(-0.25, 0.4) * leaf.width
    bulge = rng.uniform(0.02, 0.06) * leaf.width
    ribbed = np.float32(rng.uniform(0.2, 0.9)) * (1 - wave**2) * (1 - across**2)
    relief = np.float32(bulge) * (ribbed + np.float32(0.9) * bumps + np.float32(0.17) * crinkles) * blade
    relief -= np.float32(arch) * across * across * blade + np.float32(0.02 * leaf.width) * rib * blade
    relief += np.float32(leaf.petiole_width * 0.9) * (1 - blade) * np.sqrt(1 - across**2 * np.float32(0.95))
    lit = _lambert(relief, leaf, p, sun, ambient)
    mottle = 1 + np.float32(0.03) * bumps + np.float32(0.025) * crinkles
    mottle += np.float32(0.06) * smoothstep(np.abs(across), 0.75, 1.0) * blade - np.float32(0.10) * (
        1 - along
    )
    pale = np.clip(0.7 * rib + 0.25 * vein + 0.8 * (1 - blade), 0, 1)[..., None]
    color = np.asarray(leaf.color, np.float32) * (1 - pale) + np.asarray(leaf.rib_color, np.float32) * pale
    return np.asarray(color * (lit * mottle)[..., None], np.float32)


def _lambert(relief: Field, leaf: Leaf, p: Field, sun: NDArray[np.float32], ambient: float) -> Field:
    """Light on the relief, 1 on a flat leaf; the blade leans by its tilt and droops towards the tip."""
    gy, gx = np.gradient(relief)
    lean = np.float32(leaf.tilt) - np.float32(0.5) * p
    gx = gx + np.float32(np.cos(leaf.angle)) * lean
    gy = gy + np.float32(np.sin(leaf.angle)) * lean
    cosine = (sun[2] - gx * sun[0] - gy * sun[1]) / np.sqrt(1 + gx * gx + gy * gy)
    lit = np.float32(ambient) + np.float32(1 - ambient) * np.maximum(cosine, 0) / sun[2]
    return np.asarray(np.minimum(lit, 1.3), np.float32)
