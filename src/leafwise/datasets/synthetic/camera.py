"""Light and camera: where the light comes from, its colour, and what a lens and a sensor make of it."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from leafwise.datasets.synthetic.fields import random_field


@dataclass(frozen=True)
class Light:
    """The light on the scene."""

    sun: NDArray[np.float32]  # (x, y, z) towards the light, length 1; z points at the camera
    ambient: float  # share of the light that comes from everywhere, 0..1
    gains: NDArray[np.float32]  # (3,) colour and brightness
    shadow: float  # how dark a shadow is, 0..1


def make_light(rng: np.random.Generator) -> Light:
    """A lamp or sky: overhead to slanting, warm to cold, dim to bright."""
    azimuth, slant = rng.uniform(0, 2 * np.pi), np.deg2rad(rng.uniform(12, 48))
    sun = (np.sin(slant) * np.cos(azimuth), np.sin(slant) * np.sin(azimuth), np.cos(slant))
    warmth, tint = rng.normal(0, 0.06), rng.normal(0, 0.02)
    gains = np.exp(rng.normal(0.09, 0.12)) * np.array([1 + warmth, 1.02 + tint, 1 - warmth])
    return Light(
        sun=np.asarray(sun, np.float32),
        ambient=float(rng.uniform(0.35, 0.7)),
        gains=np.asarray(gains, np.float32),
        shadow=float(rng.uniform(0.4, 0.75)),
    )


def take_photo(rng: np.random.Generator, picture: NDArray[np.float32], light: Light) -> NDArray[np.uint8]:
    """Colours 0..1, float32 (h, w, 3), as a camera would save them: uint8 (h, w, 3).

    Uneven light, tone curve, blur, sensor noise (finer in brightness than in colour), and often JPEG.
    """
    height, width = picture.shape[:2]
    scale = min(height, width) / 500
    photo = picture * light.gains * _falloff(rng, height, width)[..., None]
    photo = np.clip(photo, 0, None) ** np.float32(np.exp(rng.normal(0, 0.08)))
    grey = photo.mean(axis=2, keepdims=True)
    photo = grey + (photo - grey) * np.float32(rng.uniform(0.85, 1.12))
    photo = gaussian_filter(photo, (*[rng.uniform(0.35, 1.1) * np.clip(scale, 0.5, 2)] * 2, 0))
    noise = rng.uniform(0.004, 0.018)
    photo += np.float32(noise) * random_field(rng, (height, width), rng.uniform(0.8, 1.6))[..., None]
    for channel in range(3):
        photo[..., channel] += np.float32(noise * 0.8) * random_field(rng, (height, width), 2.2)
    pixels = np.clip(photo * 255 + 0.5, 0, 255).astype(np.uint8)
    return _through_jpeg(pixels, int(rng.integers(60, 96))) if rng.uniform() < 0.6 else pixels


def _falloff(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Vignetting, and one side of the photo nearer to the lamp: a factor of about 1, (h, w)."""
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    across, down = rng.normal(0, 0.05, 2).astype(np.float32)
    light = 1 + across * x + down * y - rng.uniform(0, 0.14) * (x * x + y * y)
    return np.asarray(light, np.float32)


def _through_jpeg(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.array(Image.open(buffer).convert("RGB"))
