"""Text on pictures that stays readable on any ground."""

from functools import lru_cache

from PIL import ImageDraw, ImageFont

WHITE, BLACK = (255, 255, 255), (0, 0, 0)


@lru_cache(maxsize=64)
def default_font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, `size` pixels high."""
    return ImageFont.load_default(size)


def write_centered(draw: ImageDraw.ImageDraw, text: str, center: tuple[float, float], size: int) -> None:
    """Write white text with a dark halo around a place (x, y), moved as far as the picture's edges ask.

    Text that is larger than the picture is left out.
    """
    font, halo = default_font(size), max(1, size // 8)
    left, top, right, bottom = draw.textbbox((0, 0), text, font, anchor="mm", stroke_width=halo)
    width, height = draw.im.size
    if right - left > width or bottom - top > height:
        return
    place = (min(max(center[0], -left), width - right), min(max(center[1], -top), height - bottom))
    draw.text(place, text, WHITE, font, anchor="mm", stroke_width=halo, stroke_fill=BLACK)
    draw.text(place, text, WHITE, font, anchor="mm")  # again: thin strokes are grey at the first time
