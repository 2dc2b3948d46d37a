"""How well a label map agrees with the truth: SBD, best Dice, FBD and difference in count, in percent.

>>> import numpy as np
>>> score_labels(np.array([[0, 1, 1, 2]]), np.array([[0, 4, 4, 4]])).sbd
65.0
"""

from leafwise.metrics.contingency import compact_labels, contingency_table
from leafwise.metrics.pairing import LabelPair, Pairing, pair_label_maps, pair_name
from leafwise.metrics.report import Report, score_pair, score_pairs
from leafwise.metrics.scores import ImageScores, score_labels
from leafwise.metrics.summary import Summary, summarise

__all__ = [
    "ImageScores",
    "LabelPair",
    "Pairing",
    "Report",
    "Summary",
    "compact_labels",
    "contingency_table",
    "pair_label_maps",
    "pair_name",
    "score_labels",
    "score_pair",
    "score_pairs",
    "summarise",
]
