import json
import re
import sys
from dataclasses import asdict

import numpy as np
import pytest

from leafwise.errors import LabelMapError, LeafwiseError
from leafwise.imaging import write_labels
from leafwise.metrics import (
    LabelPair,
    count_instances,
    score_instances,
    score_labels,
    score_pairs,
)

TRUTH, GUESS = np.array([[0, 1, 1, 1]], np.int32), np.array([[0, 1, 1, 2]], np.int32)


@pytest.fixture
def pair(tmp_path):
    truth = write_labels(tmp_path / "truth.png", TRUTH)
    return lambda name, labels: LabelPair(name, write_labels(tmp_path / f"{name}.png", labels), truth)


def test_pairs_are_scored_from_their_files(pair):
    report = score_pairs([pair("a", GUESS), pair("b", TRUTH)])
    for name, labels in (("a", GUESS), ("b", TRUTH)):
        assert asdict(report.scores[name]) == pytest.approx(asdict(score_labels(TRUTH, labels)), nan_ok=True)
    assert report.summary.n_images == 2
    assert report.problems == ()


def test_a_bad_file_costs_one_line_and_not_the_rest(pair):
    bad = pair("bad", GUESS)
    bad.prediction.write_text("no picture")
    other_size = pair("other", GUESS.T)
    report = score_pairs([bad, other_size, pair("good", TRUTH)], problems=["a first line"])
    assert list(report.scores) == ["good"]
    assert report.summary.n_images == 1
    assert report.problems[0] == "a first line"
    for line, prediction in zip(report.problems[1:], (bad.prediction, other_size.prediction), strict=True):
        assert line.startswith(f"{prediction}: ")
        assert "\n" not in line


def test_a_label_map_of_another_size_is_named_with_both_sizes(pair):
    (line,) = score_pairs([pair("other", GUESS.T)]).problems
    assert re.search(r"other\.png: .*\(1, 4\).*\(4, 1\)", line)


def test_nothing_scored():
    report = score_pairs([], problems=["no pair"])
    assert report.summary is None
    assert report.as_dict() == {"images": {}, "summary": None, "problems": ["no pair"]}


def test_scores_that_are_not_defined_are_null_in_json(pair):
    report = score_pairs([pair("a", GUESS)])
    images = json.loads(json.dumps(report.as_dict(), allow_nan=False))["images"]
    assert images["a"]["sbd_small"] is None
    assert images["a"]["sbd_medium"] == report.scores["a"].sbd_medium


def test_ap_and_pq_of_each_image_and_of_all_together_where_asked_for(pair):
    pairs = [pair("a", GUESS), pair("b", TRUTH), pair("bad", GUESS.T)]
    assert score_pairs(pairs).instances == {}
    assert "pooled" not in score_pairs(pairs).as_dict()
    report = score_pairs(pairs, ap_pq=True)
    counts = [count_instances(TRUTH, labels) for labels in (GUESS, TRUTH)]
    assert report.instances == {"a": score_instances(counts[:1]), "b": score_instances(counts[1:])}
    assert report.pooled == score_instances(counts)
    assert len(report.problems) == 1
    content = report.as_dict()
    assert content["images"]["b"]["pq"] == 100
    assert content["images"]["b"]["sbd"] == 100
    assert content["pooled"]["rq"] == pytest.approx(80)  # two matches of two true and three found


def test_an_image_is_scored_in_full_or_is_a_problem(pair, monkeypatch):
    def fail(truth, prediction):
        raise LabelMapError("x.png: damaged; make it anew")

    monkeypatch.setattr("leafwise.metrics.report.require_pycocotools", lambda: None)
    monkeypatch.setattr("leafwise.metrics.report.count_instances", fail)
    report = score_pairs([pair("a", GUESS)], ap_pq=True)
    assert (report.scores, report.summary) == ({}, None)
    assert report.problems == ("x.png: damaged; make it anew",)


def test_ap_that_is_not_defined_is_null_in_json(tmp_path):
    empty = write_labels(tmp_path / "empty.png", np.zeros_like(TRUTH))
    content = score_pairs([LabelPair("a", empty, empty)], ap_pq=True).as_dict()
    assert content["pooled"] == dict.fromkeys(["ap", "ap50", "pq", "sq", "rq"])


def test_ap_without_the_package_says_once_how_to_get_it(pair, monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    monkeypatch.delitem(sys.modules, "pycocotools.coco", raising=False)
    with pytest.raises(LeafwiseError, match=r"pip install 'leafwise\[coco\]'"):
        score_pairs([pair("a", GUESS), pair("b", GUESS)], ap_pq=True)
    assert len(score_pairs([pair("a", GUESS)]).scores) == 1
