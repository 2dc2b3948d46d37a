"""Table 1's files from scores made by hand: means, spreads and differences worked out on paper."""

import csv
import json
import tomllib
from dataclasses import replace

import pandas as pd
import pytest

from leafwise.config import LookSettings, LossSettings, RunSettings, to_dict
from leafwise.datasets import Folds, Pair, Split
from leafwise.errors import OutputError
from leafwise.experiments.table1 import Table1
from leafwise.experiments.table1_markdown import Roles, changed_settings, markdown_table
from leafwise.experiments.table1_report import compared, roles_of, write_report

SETTINGS = RunSettings(
    looks=LookSettings(input_size=224), loss=LossSettings(pull_margin=2.0, push_margin=20.0)
)
# of two photos in each of two folds
HDBSCAN = {
    "sbd": (80, 90, 70, 80),
    "fbd": (90, 90, 90, 90),
    "abs_dic": (1, 0, 2, 1),
}  # 80 ± 5, 90 ± 0, 1 ± 0.5
REFINED = {
    "sbd": (84, 92, 76, 84),
    "fbd": (95, 97, 95, 97),
    "abs_dic": (0, 0, 1, 1),
}  # 84 ± 4, 96 ± 0, 0.5 ± 0.5
SEEDED = {"sbd": (70, 70, 60, 60), "fbd": (80, 80, 80, 80), "abs_dic": (3, 3, 3, 3)}  # 65 ± 5, 80 ± 0, 3 ± 0
TRUE = {"sbd": (90, 90, 90, 90), "fbd": (98, 98, 98, 98), "abs_dic": (0, 0, 0, 0)}


def table_of(*rows, folds=(1, 1, 2, 2)):
    """A table of (variant, pipeline, scores)."""
    parts = [
        pd.DataFrame({name: values[: len(folds)] for name, values in scores.items()}).assign(
            variant=variant, pipeline=pipeline, fold=folds, photo=[f"p{i}" for i in range(len(folds))]
        )
        for variant, pipeline, scores in rows
    ]
    return Table1(pd.concat(parts, ignore_index=True))


@pytest.fixture
def table():
    return table_of(
        ("plain", "hdbscan", HDBSCAN),
        ("plain", "hdbscan+cluster_net", REFINED),
        ("plain", "seeded", SEEDED),
        ("plain", "seeded+cluster_net", REFINED),
        ("plain", "true_means+cluster_net", TRUE),
        ("edge", "hdbscan", SEEDED),
    )


def cells_of(text, heading):
    """The tables under a heading of a Markdown page: for each, lines of cells."""
    lines = text.split(f"\n## {heading}\n")[1].split("\n## ")[0].splitlines()
    tables, open_table = [], False
    for line in lines:
        if line.startswith("|"):
            if not open_table:
                tables.append([])
            tables[-1].append([cell.strip() for cell in line.strip("|").split(" | ")])
        open_table = line.startswith("|")
    return tables


def test_rows_have_the_published_ones_and_the_differences_beside_them(table):
    rows = compared(table).set_index(["variant", "pipeline"])
    assert rows.index[0] == ("plain", "hdbscan")
    row = rows.loc[("plain", "hdbscan+cluster_net")]
    assert (row["photos"], row["folds"]) == (4, 2)
    assert (row["sbd"], row["sbd_spread"], row["sbd_difference"]) == (84, 4, 4)
    assert (row["abs_dic"], row["abs_dic_spread"], row["abs_dic_difference"]) == (0.5, 0.5, -0.5)
    assert row["paper_sbd"] == 82.32
    assert row["paper_sbd_difference"] == pytest.approx(1.48)
    assert row["paper_fbd_difference"] == pytest.approx(4.65)


def test_a_pipeline_is_compared_with_its_own_clustering(table):
    rows = compared(table).set_index(["variant", "pipeline"])
    row = rows.loc[("plain", "seeded+cluster_net")]
    assert row["sbd_difference"] == 84 - 65
    assert row[["paper_sbd", "paper_sbd_difference"]].isna().all()
    row = rows.loc[("plain", "true_means+cluster_net")]
    assert row["sbd_difference"] == 90 - 80
    assert row["paper_sbd_difference"] == pytest.approx(87.76 - 80.84)


def test_what_is_not_in_the_table_is_no_number():
    rows = compared(table_of(("plain", "hdbscan+mrf", REFINED))).iloc[0]
    assert rows["sbd"] == 84
    assert pd.isna(rows["sbd_difference"])
    assert rows["paper_sbd_difference"] == pytest.approx(77.69 - 80.84)
    only_seeds = compared(table_of(("plain", "seeded", SEEDED), ("plain", "true_means+cluster_net", TRUE)))
    assert only_seeds["sbd_difference"].tolist() == [0, 90 - 65]


def test_the_page_has_a_table_for_each_variant(table, tmp_path):
    write_report(table, tmp_path, SETTINGS)
    text = (tmp_path / "table1.md").read_text()
    values, differences = cells_of(text, "Loss: plain")
    assert values[0] == ["pipeline", "SBD", "paper", "FBD", "paper", r"\|DiC\|", "paper"]
    assert values[2] == ["`hdbscan`", "80.00 ± 5.00", "80.84", "90.00 ± 0.00", "90.34", "1.00 ± 0.50", "0.90"]
    assert values[3][:3] == ["`hdbscan+cluster_net`", "84.00 ± 4.00", "82.32"]
    assert values[4] == ["`seeded`", "65.00 ± 5.00", "—", "80.00 ± 0.00", "—", "3.00 ± 0.00", "—"]
    assert [row[0] for row in differences[2:]] == [
        "`hdbscan+cluster_net`",
        "`seeded+cluster_net`",
        "`true_means+cluster_net`",
    ]
    assert differences[0] == ["pipeline", "Δ SBD", "paper Δ", "Δ FBD", "paper Δ", r"Δ \|DiC\|", "paper Δ"]
    assert differences[2][1:] == ["+4.00", "+1.48", "+6.00", "+4.65", "-0.50", "-0.05"]
    assert differences[3][1:] == ["+19.00", "—", "+16.00", "—", "-2.50", "—"]
    (edge,) = cells_of(text, "Loss: edge")
    assert edge[2][:3] == ["`hdbscan`", "65.00 ± 5.00", "80.84"]
    assert "`loss.edge_weight = 1.0`" in text
    (together,) = cells_of(text, "The loss variants side by side: SBD")
    assert together[0] == ["pipeline", "plain", "edge"]
    assert together[2:4] == [["`hdbscan`", "80.00", "65.00"], ["`hdbscan+cluster_net`", "84.00", "—"]]
    (peers,) = cells_of(text, "Other methods, as the paper lists them")
    assert len(peers) == 2 + 8
    assert peers[2] == ["RIS + CRF", "Romera-Paredes and Torr 2015", "66.6", "—", "1.1"]
    assert peers[-1][2:] == ["90.0", "—", "—"]


def test_columns_stand_in_line_as_plain_text_too(table, tmp_path):
    write_report(table, tmp_path, SETTINGS, [Roles(1, 10, 4, 2)])
    blocks = (tmp_path / "table1.md").read_text().split("\n\n")
    tables = [block.splitlines() for block in blocks if block.startswith("|")]
    assert len(tables) == 6
    for lines in tables:
        assert {len(line) for line in lines} == {len(lines[0])}


def test_the_page_says_what_was_measured_on_what(table, tmp_path):
    write_report(table, tmp_path, SETTINGS, [Roles(1, 10, 4, 2), Roles(2, 11, 3, 2)], ["A figure."])
    text = (tmp_path / "table1.md").read_text()
    assert "4 photos, cross-validated in 2 folds" in text
    assert "20 held-out training images of CVPPP A1, scored at 224 x 224 pixels" in text
    assert "33 test images" in text
    assert "mean of the absolute differences" in text
    assert "means of the true leaves" in text
    assert text.count("A figure.") == 1
    (roles,) = cells_of(text, "Settings")
    assert roles[2:] == [["1", "10", "4", "2"], ["2", "11", "3", "2"]]
    assert tomllib.loads(text.split("```toml\n")[1].split("```")[0]) == {
        "looks": {"input_size": 224},
        "loss": {"pull_margin": 2.0, "push_margin": 20.0},
    }
    assert "224 x 224 pixels" in text
    assert "delta_v = 2, delta_d = 20" in text


def test_one_fold_has_no_spread_and_chose_its_settings_on_itself(tmp_path):
    write_report(table_of(("plain", "hdbscan", HDBSCAN), folds=(1, 1)), tmp_path, RunSettings())
    text = (tmp_path / "table1.md").read_text()
    (values,) = cells_of(text, "Loss: plain")
    assert values[2][1:3] == ["85.00", "80.84"]
    assert "±" not in text
    assert "chosen on these very photos" in text
    assert "All settings are the defaults." in text
    assert "delta_d = 1.5; overlap term (not the paper's) 2\n" in text
    assert "means of the true leaves" not in text
    assert "## Figures" not in text
    assert "side by side" not in text


def test_json_and_csv_hold_the_rows_unrounded_and_all_settings(table, tmp_path):
    write_report(table, tmp_path, SETTINGS, [Roles(1, 10, 4, 2)])
    content = json.loads((tmp_path / "table1.json").read_text())
    expected = compared(table)
    again = pd.DataFrame(content["rows"])
    pd.testing.assert_frame_equal(again.astype(expected.dtypes), expected)
    assert content["rows"][2]["paper_sbd"] is None
    assert content["settings"] == json.loads(json.dumps(to_dict(SETTINGS)))
    assert content["roles"] == [{"fold": 1, "embeddings": 10, "cluster_net": 4, "scored": 2}]
    assert content["paper"]["hdbscan"]["sbd"] == 80.84
    assert len(content["other_methods"]) == 8
    with (tmp_path / "table1.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["pipeline"] for row in rows] == expected["pipeline"].tolist()
    assert (rows[2]["sbd"], rows[2]["paper_sbd"]) == ("65.0", "")


def test_a_folder_that_is_not_there_is_refused_in_one_line(table, tmp_path):
    with pytest.raises(OutputError, match="its folder does not exist"):
        write_report(table, tmp_path / "nosuch", SETTINGS)


def test_the_roles_are_those_that_the_photos_have(tmp_path):
    pairs = [Pair(f"p{i}", tmp_path / f"{i}.png", tmp_path / f"{i}_label.png", f"g{i}") for i in range(20)]
    splits = tuple(Split(tuple(pairs[:i] + pairs[i + 2 :]), tuple(pairs[i : i + 2])) for i in (0, 2))
    assert roles_of(Folds(3, False, splits), [2]) == [Roles(2, 13, 5, 2)]  # 30 / 108 of 18 photos are 5


def test_settings_are_told_where_they_are_not_the_defaults():
    assert changed_settings(RunSettings()) == {}
    changed = replace(RunSettings(), looks=LookSettings(one_plant=True))
    assert changed_settings(changed) == {"looks": {"one_plant": True}}


def test_an_empty_table_is_its_header():
    assert markdown_table(["a", "b"], []).splitlines() == ["| a   |   b |", "| :-- | --: |"]
