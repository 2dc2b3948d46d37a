"""Spot checks against the paper's page: a wrong digit here would make every comparison wrong."""

from leafwise.experiments.published import CHALLENGE, HELD_OUT, PAPER, PEERS
from leafwise.experiments.table1 import PIPELINES


def test_the_papers_own_rows_are_those_of_the_pipelines_that_are_measured():
    assert tuple(PAPER) == PIPELINES
    assert {row.where for row in PAPER.values()} == {HELD_OUT}


def test_the_papers_values_are_as_printed():
    def values(pipeline):
        return PAPER[pipeline].sbd, PAPER[pipeline].fbd, PAPER[pipeline].abs_dic

    assert values("hdbscan") == (80.84, 90.34, 0.9)
    assert values("hdbscan+mrf") == (77.69, 90.00, 0.9)
    assert values("hdbscan+cluster_net") == (82.32, 94.99, 0.85)
    assert values("hdbscan+mrf+cluster_net+mrf") == (80.52, 92.29, 1.1)
    assert values("true_means+cluster_net") == (87.76, 95.61, 0.0)


def test_the_peers_have_eight_rows_in_the_papers_order_and_no_fbd():
    assert [row.method for row in PEERS][::7] == ["RIS + CRF", "Synthetic data"]
    assert len(PEERS) == 8
    assert {row.fbd for row in PEERS} == {None}
    assert {row.where for row in PEERS} == {CHALLENGE}
    assert [row.sbd for row in PEERS] == sorted(row.sbd for row in PEERS)
    by_method = {row.method: (row.sbd, row.abs_dic) for row in PEERS}
    assert by_method["Nottingham"] == (68.3, 3.8)
    assert by_method["Discriminative Loss"] == (84.2, 1.0)
    assert by_method["Synthetic data"] == (90.0, None)
