"""The published Table 1 (Jaffe and Ben-Moshe 2019, section 7) as data: the peers' rows and the paper's own."""

from collections.abc import Mapping
from dataclasses import dataclass

CHALLENGE = "33 test images of the challenge (CVPPP A1)"
HELD_OUT = "20 held-out training images (CVPPP A1), scored at 224 x 224 pixels"
PAPER_SOURCE = "Jaffe and Ben-Moshe 2019"


@dataclass(frozen=True)
class PublishedRow:
    """A row as it was printed; None where it was left empty."""

    method: str
    sbd: float  # percent
    fbd: float | None  # percent
    abs_dic: float | None  # leaves
    source: str  # author and year
    where: str  # the images that it was measured on


def _peer(method: str, sbd: float, abs_dic: float | None, source: str) -> PublishedRow:
    return PublishedRow(method, sbd, None, abs_dic, source, CHALLENGE)


def _paper(method: str, sbd: float, fbd: float, abs_dic: float) -> PublishedRow:
    return PublishedRow(method, sbd, fbd, abs_dic, PAPER_SOURCE, HELD_OUT)


PEERS: tuple[PublishedRow, ...] = (
    _peer("RIS + CRF", 66.6, 1.1, "Romera-Paredes and Torr 2015"),
    _peer("MSU", 66.7, 2.3, "Scharr et al. 2015"),
    _peer("Nottingham", 68.3, 3.8, "Scharr et al. 2015"),
    _peer("Wageningen", 71.1, 2.2, "Yin et al. 2014"),
    _peer("IPK", 74.4, 2.6, "Pape and Klukas 2014"),
    _peer("Discriminative Loss", 84.2, 1.0, "Brabandere et al. 2017"),
    _peer("End-to-End", 84.9, 0.8, "Ren and Zemel 2016"),
    _peer("Synthetic data", 90.0, None, "Ward et al. 2018"),
)
PAPER: Mapping[str, PublishedRow] = {  # by the name of the pipeline
    "hdbscan": _paper("HDBSCAN only", 80.84, 90.34, 0.9),
    "hdbscan+mrf": _paper("HDBSCAN + MRF", 77.69, 90.00, 0.9),
    "hdbscan+cluster_net": _paper("HDBSCAN + ClusterNet", 82.32, 94.99, 0.85),
    "hdbscan+mrf+cluster_net": _paper("HDBSCAN + MRF + ClusterNet", 81.94, 94.94, 0.9),
    "hdbscan+cluster_net+mrf": _paper("HDBSCAN + ClusterNet + MRF", 81.22, 92.56, 0.95),
    "hdbscan+mrf+cluster_net+mrf": _paper("HDBSCAN + MRF + ClusterNet + MRF", 80.52, 92.29, 1.1),
    "true_means+cluster_net": _paper("True cluster mean + ClusterNet", 87.76, 95.61, 0.0),
}
