"""What a plant stands in: a pot of soil on a tray or bench."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leafwise.datasets.synthetic.fields import Field, fractal_field, random_field, smoothstep

Picture = NDArray[np.float32]  # (h, w, 3), 0..1


@dataclass(frozen=True)
class Pot:
    """The pot's rim in the photo; lengths in pixels."""

    center: tuple[float, float]
    radius: float
    squash: float  # height over width: a camera that looks a little from the side
    corners: float  # exponent of the outline: 2 = round, larger = square with round corners
    color: tuple[float, float, float]


TRAYS = (  # colour of the ground and how often
    ((0.72, 0.36, 0.225), 6.0),  # terracotta
    ((0.16, 0.16, 0.17), 2.0),  # black
    ((0.50, 0.51, 0.53), 2.0),  # grey
    ((0.88, 0.88, 0.86), 1.5),  # white
    ((0.30, 0.42, 0.55), 0.7),  # blue
    ((0.55, 0.44, 0.32), 0.8),  # wood
)
POTS = ((0.13, 0.13, 0.14), (0.13, 0.13, 0.14), (0.16, 0.15, 0.15), (0.60, 0.30, 0.20), (0.72, 0.72, 0.70))
SOILS = ((0.25, 0.20, 0.16), (0.19, 0.155, 0.135), (0.36, 0.28, 0.21), (0.30, 0.25, 0.20))
LIME = np.array([0.54, 0.48, 0.40], np.float32)  # what dried water leaves on a tray
CRUMB = np.array([0.16, 0.13, 0.11], np.float32)  # of soil, on the tray
SAND = np.array([0.62, 0.50, 0.34], np.float32)
PERLITE = np.array([0.86, 0.85, 0.82], np.float32)
MOSS = np.array([0.46, 0.50, 0.10], np.float32)


def make_pot(rng: np.random.Generator, shape: tuple[int, int]) -> Pot:
    """A pot somewhere about the middle of a photo of `shape` (h, w)."""
    y, x = (side * (0.5 + np.clip(rng.normal(0, 0.04), -0.1, 0.1)) for side in shape)
    sizes = rng.uniform(0.34, 0.48), rng.uniform(0.20, 0.34), 0.9  # usual, small, soil all over the photo
    square = rng.uniform() < 0.2
    return Pot(
        center=(float(y), float(x)),
        radius=min(shape) * float(rng.choice(sizes, p=(0.78, 0.12, 0.10))),
        squash=float(rng.uniform(0.90, 1.0)),
        corners=float(rng.uniform(6, 12)) if square else 2.0,
        color=POTS[rng.integers(len(POTS))],
    )


def draw_scene(
    rng: np.random.Generator, shape: tuple[int, int], pot: Pot, sun: NDArray[np.float32]
) -> Picture:
    """Tray, pot and soil, lit from `sun` (x, y, z): float32 (h, w, 3), 0..1."""
    scale = min(shape) / 500
    ground = draw_tray(rng, shape, scale, sun)
    reach = _reach(pot, shape)
    shadow = _reach(pot, shape, shift=(-sun[1] * 45 * scale, -sun[0] * 45 * scale))
    ground *= (1 - np.float32(rng.uniform(0.2, 0.55)) * smoothstep(shadow, 1.15, 0.97))[..., None]
    edge = np.float32(pot.radius)
    rim = np.asarray(pot.color, np.float32) * _rim_light(pot, shape, reach, sun)[..., None]
    ground = _blend(ground, rim, np.clip((1 - reach) * edge + 0.5, 0, 1))
    ragged = reach + np.float32(0.012) * fractal_field(rng, shape, (30 * scale, 8 * scale))
    soil = draw_soil(rng, shape, scale, sun)
    soil *= (1 - np.float32(0.55) * smoothstep(ragged, 0.82, 0.95))[..., None]  # the wall keeps the light off
    return _blend(ground, soil, np.clip((np.float32(0.945) - ragged) * edge + 0.5, 0, 1))


def draw_tray(
    rng: np.random.Generator, shape: tuple[int, int], scale: float, sun: NDArray[np.float32]
) -> Picture:
    """A tray's floor with steps and ridges along one or two sides, stains and crumbs."""
    weights = np.array([weight for _, weight in TRAYS])
    color = np.asarray(TRAYS[rng.choice(len(TRAYS), p=weights / weights.sum())][0], np.float32)
    light = 1 + np.float32(0.05) * fractal_field(rng, shape, (160 * scale, 40 * scale))
    light += np.float32(0.015) * random_field(rng, shape, 2 * scale)
    for _ in range(rng.integers(0, 3)):
        light *= _ridges(rng, shape, scale, sun)
    picture = color * light[..., None]
    stain = smoothstep(fractal_field(rng, shape, (70 * scale, 12 * scale)), 1.5, 3.0)
    picture = _blend(picture, (color + LIME) / 2 * light[..., None], np.float32(0.5) * stain)
    crumbs = smoothstep(fractal_field(rng, shape, (110 * scale, 6 * scale)), rng.uniform(2.2, 3.4), 3.6)
    return _blend(picture, CRUMB, np.float32(0.85) * crumbs)


def _ridges(
    rng: np.random.Generator, shape: tuple[int, int], scale: float, sun: NDArray[np.float32]
) -> Field:
    """Light on the steps of a tray's border: a factor of about 1, float32 (h, w)."""
    side = int(rng.integers(4))
    angle = side * np.pi / 2 + rng.normal(0, 0.03)
    normal = np.array([np.cos(angle), np.sin(angle)], np.float32)
    y = (np.arange(shape[0], dtype=np.float32) - shape[0] / 2)[:, None]
    x = (np.arange(shape[1], dtype=np.float32) - shape[1] / 2)[None]
    outward = x * normal[0] + y * normal[1] - np.float32(shape[(side + 1) % 2] / 2)  # 0 at the photo's edge
    light = np.ones(shape, np.float32)
    start = -rng.uniform(20, 130) * scale
    facing = float(-(normal @ sun[:2]))
    for _ in range(rng.integers(1, 5)):
        step, soft = rng.uniform(14, 45) * scale, rng.uniform(2, 7) * scale
        up = smoothstep(outward, start, start + soft)
        up *= smoothstep(outward, start + step, start + step - 2 * soft)
        light += np.float32(np.clip(facing, -0.4, 0.4) * 0.7 + rng.normal(0, 0.13)) * up
        start += step + rng.uniform(0, 12) * scale
    return light


def draw_soil(
    rng: np.random.Generator, shape: tuple[int, int], scale: float, sun: NDArray[np.float32]
) -> Picture:
    """Crumbly soil with grit or perlite, and sometimes moss."""
    color = np.asarray(SOILS[rng.integers(len(SOILS))], np.float32) * rng.uniform(0.75, 1.25)
    lumps = fractal_field(rng, shape, (30 * scale, 13 * scale, 6 * scale, 3 * scale))
    gy, gx = np.gradient(lumps)
    light = 1 - np.float32(1.1 * scale) * (gx * sun[0] + gy * sun[1]) + np.float32(0.16) * lumps
    light = np.clip(light + np.float32(0.10) * random_field(rng, shape, 1.5 * scale), 0.25, 2.2)
    damp = random_field(rng, shape, 120 * scale)
    picture = color * (light * (1 + np.float32(0.18) * damp))[..., None]
    picture *= 1 + np.array([0.05, 0.0, -0.06], np.float32) * random_field(rng, shape, 4 * scale)[..., None]
    grit = random_field(rng, shape, rng.uniform(2.5, 6.5) * scale)
    grit += np.float32(0.35) * random_field(rng, shape, 60 * scale)
    limit = rng.uniform(1.9, 3.2)
    stone = SAND if rng.uniform() < 0.65 else PERLITE
    stones = stone * np.clip(light, 0.6, 1.25)[..., None]
    picture = _blend(picture, stones, smoothstep(grit, limit, limit + 0.5))
    if rng.uniform() < 0.45:
        patches = random_field(rng, shape, 90 * scale)
        patches += np.float32(0.8) * fractal_field(rng, shape, (9 * scale, 3 * scale))
        moss = smoothstep(patches, rng.uniform(0.0, 1.5), rng.uniform(1.8, 2.6))
        green = MOSS * np.float32(rng.uniform(0.7, 1.25)) * np.clip(light, 0.5, 1.5)[..., None]
        picture = _blend(picture, green, moss * np.float32(rng.uniform(0.5, 0.95)))
    return np.asarray(picture, np.float32)


def _reach(pot: Pot, shape: tuple[int, int], shift: tuple[float, float] = (0.0, 0.0)) -> Field:
    """Distance from the pot's middle: 1 on its rim, float32 (h, w)."""
    y = np.arange(shape[0], dtype=np.float32)[:, None] - np.float32(pot.center[0] + shift[0])
    x = np.arange(shape[1], dtype=np.float32)[None] - np.float32(pot.center[1] + shift[1])
    x, y = np.abs(x) / np.float32(pot.radius), np.abs(y) / np.float32(pot.radius * pot.squash)
    if pot.corners == 2:
        return np.asarray(np.sqrt(x * x + y * y), np.float32)
    power = np.float32(pot.corners)
    return np.asarray((x**power + y**power) ** (1 / power), np.float32)


def _rim_light(pot: Pot, shape: tuple[int, int], reach: Field, sun: NDArray[np.float32]) -> Field:
    """A round bead on top, lit on the side of the sun, and the dark inner wall below it."""
    y = np.arange(shape[0], dtype=np.float32)[:, None] - np.float32(pot.center[0])
    x = np.arange(shape[1], dtype=np.float32)[None] - np.float32(pot.center[1])
    toward = (x * sun[0] + y * sun[1]) / np.maximum(np.sqrt(x * x + y * y), 1)
    bead = smoothstep(np.abs(reach - np.float32(0.985)), 0.018, 0.004)
    inner = smoothstep(reach, 0.975, 0.955)
    return np.asarray(0.9 + bead * (1.1 + 1.2 * toward) - inner * (0.45 + 0.35 * toward), np.float32)


def _blend(below: Picture, above: Picture, amount: Field) -> Picture:
    share = amount[..., None]
    return np.asarray(below + (above - below) * share, np.float32)
