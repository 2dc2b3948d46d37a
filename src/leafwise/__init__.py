"""leafwise finds every leaf in a plant photo.

>>> import leafwise
>>> photo, truth = leafwise.draw_plant(seed=1)
>>> result = leafwise.segment(photo)
>>> result.labels.shape == photo.shape[:2]
True
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leafwise.datasets.synthetic import draw_plant
    from leafwise.imaging import read_image
    from leafwise.segmenter import Segmentation, Segmenter, segment

__version__ = "0.1.0"
__all__ = ["Segmentation", "Segmenter", "__version__", "draw_plant", "read_image", "segment"]

_HOMES = {
    "Segmentation": "leafwise.segmenter",
    "Segmenter": "leafwise.segmenter",
    "segment": "leafwise.segmenter",
    "read_image": "leafwise.imaging",
    "draw_plant": "leafwise.datasets.synthetic",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `leafwise --help` stays instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'leafwise' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names, those not yet imported too."""
    return sorted({*globals(), *__all__})
