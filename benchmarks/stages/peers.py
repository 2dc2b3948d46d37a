"""Networks of other tools on the same photos, where they are installed (`--peers`).

Their weights are random: what a network computes does not change its time. What follows the network (StarDist's
non-maximum suppression, Cellpose's flow) is left out, so each is faster here than its tool is.
"""

import importlib
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.material import Material, segmenter_of
from benchmarks.rows import Note, Result, Row
from benchmarks.timing import shortest
from leafwise.imaging import read_image

MULTIPLE = 32  # of what each side must be
Forward = Callable[[NDArray[np.float32]], object]  # an image (h, w, 3) through the network


def run(material: Material) -> Iterator[Result]:
    """Seconds a photo of each peer's network, beside the whole way of the model's own segmenter in this process."""
    segmenter = segmenter_of(material.model)
    photos = [read_image(sample.pair.image) for sample in material.few(1, 4)]
    yield Note(
        "peers",
        "Peers: the network alone with random weights, at the photo's own size; leafwise: the whole way.",
    )
    for name, (package, make) in PEERS.items():
        if find_spec(package) is None:
            yield Note("peers", f"{name} is not installed: pip install {INSTALL[package]}")
            continue
        try:
            forward = make()
            times = [
                shortest(
                    [partial(segmenter.segment, photo), partial(forward, _padded(photo))], repeats=3, limit=20
                )
                for photo in photos
            ]
        except Exception as error:  # noqa: BLE001 another's code
            yield Note("peers", f"{name} does not run here: {type(error).__name__}: {str(error)[:200]}")
            continue
        own, other = np.mean(times, axis=0)
        yield Row("peers", "leafwise, a whole photo", float(own), f"{name}, network alone", float(other))


def _padded(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
    height, width = photo.shape[:2]
    margins = ((0, -height % MULTIPLE), (0, -width % MULTIPLE), (0, 0))
    return np.asarray(np.pad(photo, margins, mode="edge"), np.float32) / np.float32(255)


def _instanseg() -> Forward:
    """Its U-Net with the layers and outputs of the published models."""
    module: Any = importlib.import_module("instanseg.utils.models.InstanSeg_UNet")
    return _by_torch(module.InstanSeg_UNet(3, [[2, 2, 1], [2, 2, 1]], layers=[256, 128, 64, 32]))


def _cellpose() -> Forward:
    """The residual U-Net of Cellpose 1 to 3."""
    module: Any = importlib.import_module("cellpose.resnet_torch")
    return _by_torch(module.CPnet([3, 32, 64, 128, 256], 3, 3))


def _stardist() -> Forward:
    """Its U-Net with 32 rays, as in the published models for colour images."""
    module: Any = importlib.import_module("stardist.models")
    config = module.Config2D(n_rays=32, n_channel_in=3, grid=(2, 2))
    network = module.StarDist2D(config, name=None, basedir=None).keras_model
    return lambda image: network.predict(image[None], verbose=0)


def _by_torch(network: Any) -> Forward:
    import torch

    network = network.eval().to(memory_format=torch.channels_last)

    def forward(image: NDArray[np.float32]) -> None:
        batch = torch.from_numpy(image.transpose(2, 0, 1)[None].copy())
        with torch.inference_mode():
            network(batch.to(memory_format=torch.channels_last))

    return forward


INSTALL = {
    "instanseg": "instanseg-torch",
    "cellpose": "'cellpose<4'",
    "stardist": "stardist tensorflow",
}
PEERS: dict[str, tuple[str, Callable[[], Forward]]] = {
    "InstanSeg": ("instanseg", _instanseg),
    "Cellpose 3": ("cellpose", _cellpose),
    "StarDist": ("stardist", _stardist),
}
