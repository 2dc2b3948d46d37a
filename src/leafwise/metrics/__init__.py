"""How well a label map agrees with the truth: SBD, best Dice, FBD, difference in count, AP and PQ, in percent.

>>> import numpy as np
>>> score_labels(np.array([[0, 1, 1, 2]]), np.array([[0, 4, 4, 4]])).sbd
65.0
"""

from leafwise.metrics.average_precision import (
    AveragePrecision,
    MatchCounts,
    average_precision,
    match_counts,
)
from leafwise.metrics.contingency import contingency_table, count_pairs
from leafwise.metrics.instances import InstanceCounts, InstanceScores, count_instances, score_instances
from leafwise.metrics.pairing import LabelPair, Pairing, pair_label_maps, pair_name
from leafwise.metrics.panoptic import PanopticCounts, PanopticQuality, panoptic_counts, panoptic_quality
from leafwise.metrics.report import Report, score_pairs
from leafwise.metrics.scores import ImageScores, score_labels
from leafwise.metrics.summary import Summary, summarise

__all__ = [
    "AveragePrecision",
    "ImageScores",
    "InstanceCounts",
    "InstanceScores",
    "LabelPair",
    "MatchCounts",
    "Pairing",
    "PanopticCounts",
    "PanopticQuality",
    "Report",
    "Summary",
    "average_precision",
    "contingency_table",
    "count_instances",
    "count_pairs",
    "match_counts",
    "pair_label_maps",
    "pair_name",
    "panoptic_counts",
    "panoptic_quality",
    "score_instances",
    "score_labels",
    "score_pairs",
    "summarise",
]
