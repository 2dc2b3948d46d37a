"""Painted plants whose leaves are known, and a segmenter that sees them by their colours."""

import numpy as np

from leafwise.config import ClusteringSettings, SegmentSettings
from leafwise.imaging import Square
from leafwise.segmenter import Segmenter
from leafwise.segmenter.leaves import SeenPlant

SIDE = 32  # pixels of a plant's square, and of the network's grid: nothing is scaled


class ColorSegmenter(Segmenter):
    """One plant for each square of a photo (32, 32 n, 3) that has any leaf: pixels with a green of 255."""

    def __init__(self, model, settings=None):
        clustering = ClusteringSettings(min_cluster_size=25, min_samples=4)
        super().__init__(model, settings or SegmentSettings(clustering=clustering))
        self.looked_at = 0  # photos

    def find(self, image):
        self.looked_at += 1
        return list(_plants(image))

    def look_at(self, image, views):
        return iter(views)  # they are seen already


def _plants(image):
    for left in range(0, image.shape[1], SIDE):
        part = image[:, left : left + SIDE].transpose(2, 0, 1).astype(np.float32)
        leafy = (part[1] == 255).astype(np.float32)
        if leafy.any():
            yield SeenPlant(Square(0, left, SIDE), part / 25, leafy)


def two_plants(number=0):
    """Labels (32, 64): on the left leaves of 12 x 24 and 12 x 16 pixels, on the right one of 20 x (24 - number)."""
    labels = np.zeros((SIDE, 2 * SIDE), np.int32)
    labels[2:14, 4:28] = 1
    labels[16:28, 4:20] = 2
    labels[6:26, 36 : 60 - number] = 3
    return labels


def paint(labels):
    """A photo (h, w, 3) of labels 0..3."""
    return np.array([[90, 60, 30], [10, 255, 0], [120, 255, 0], [10, 255, 200]], np.uint8)[labels]
