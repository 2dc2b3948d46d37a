"""Which settings score which fold, against scores made by hand; nothing is trained here."""

from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
import tomli_w

from leafwise.clustering import CLUSTERINGS
from leafwise.config import (
    ClusteringSettings,
    ClusterNetSettings,
    LookSettings,
    LossSettings,
    NetSettings,
    PipelineSettings,
    RunSettings,
    TrainingSettings,
    to_dict,
    to_toml,
)
from leafwise.datasets import Folds, Pair, Seen, Split, make_folds, write_folds
from leafwise.errors import DatasetError, OutputError, SettingsError
from leafwise.evaluation import make_candidates
from leafwise.experiments import (
    clustering_grid,
    cross_validate,
    grid_candidates,
    prepare_folds,
    varied,
)
from leafwise.experiments import crossval as module
from leafwise.experiments.crossval import trained_once, unseen_start
from leafwise.experiments.grid import combinations

SETTINGS = RunSettings()
CANDIDATES = make_candidates(
    ["hdbscan"], [ClusteringSettings(min_cluster_size=size) for size in (10, 20, 30)], SETTINGS.segment
)
COLUMNS = ("fbd", "abs_dic", "dic", "sbd_small", "sbd_medium", "sbd_large")


@pytest.fixture
def pairs(tmp_path):
    return [
        Pair(f"p{i}", tmp_path / f"p{i}.png", tmp_path / f"p{i}_label.png", f"g{i // 2}") for i in range(6)
    ]


@pytest.fixture
def scored(pairs, tmp_path, monkeypatch):
    """Cross-validates three folds of two photos whose SBDs (fold, photo, settings) are given."""

    def no_training(*_, **__):
        raise AssertionError("what is done is not done again")

    monkeypatch.setattr(module, "train", no_training)
    monkeypatch.setattr("leafwise.evaluation.scoring.digest_of", lambda _: "as it was")
    splits = []
    for fold in range(3):
        held_out = pairs[2 * fold : 2 * fold + 2]
        splits.append(Split(tuple(pair for pair in pairs if pair not in held_out), tuple(held_out)))

    def validate(sbds, *names):
        for fold, split in enumerate(splits):
            for name in names or ("",):
                (tmp_path / name / f"fold{fold + 1}" / "model").mkdir(parents=True, exist_ok=True)
            rows = [
                {
                    "photo": pair.name,
                    "number": number,
                    "settings": str(settings),
                    "digest": 2 * "as it was",
                    "pipeline": "hdbscan",
                    "sbd": sbds[fold][photo][number],
                }
                | dict.fromkeys(COLUMNS, float(number))
                for photo, pair in enumerate(split.validation)
                for number, settings in enumerate(CANDIDATES)
            ]
            for place, name in enumerate(
                names or ("",)
            ):  # each variant is 5 points of SBD below the one before
                table = pd.DataFrame(rows)
                table["sbd"] -= 5 * place
                table.to_csv(tmp_path / name / f"fold{fold + 1}" / "scores.csv", index=False)
        variants = {
            name: replace(SETTINGS, training=TrainingSettings(seed=seed))
            for seed, name in enumerate(names or ("",))
        }
        return cross_validate(Folds(0, False, tuple(splits)), tmp_path, variants, CANDIDATES)

    return validate


def test_a_fold_is_scored_with_the_settings_that_are_best_on_the_others(scored, tmp_path):
    # means (fold, settings): 90 50 10 | 20 80 30 | 10 40 50; of the others: 15 60 40 | 50 45 30 | 55 65 20
    sbds = [[[100, 40, 0], [80, 60, 20]], [[10, 90, 30], [30, 70, 30]], [[0, 40, 60], [20, 40, 40]]]
    result = scored(sbds)
    photos = result.photos
    assert photos["photo"].tolist() == [f"p{i}" for i in range(6)]
    assert photos["fold"].tolist() == [1, 1, 2, 2, 3, 3]
    assert photos["number"].tolist() == [1, 1, 0, 0, 1, 1]
    assert photos["sbd"].tolist() == [40, 60, 10, 30, 40, 40]
    assert result.means()["sbd"] == pytest.approx(220 / 6)
    assert result.means()["fbd"] == pytest.approx(4 / 6)
    assert result.chosen == CANDIDATES[1].settings  # of all: 40, 56.7, 30
    written = pd.read_csv(tmp_path / "photos.csv", dtype={"variant": str}).fillna({"variant": ""})
    shown = photos.drop(columns=["settings", "digest"])  # candidates.csv has the settings of each number
    pd.testing.assert_frame_equal(written, shown.reset_index(drop=True), check_dtype=False)


def test_every_choice_of_settings_has_its_means(scored):
    sbds = [[[50, 40, 30]] * 2, [[10, 70, 30]] * 2, [[20, 60, 30]] * 2]
    table = scored(sbds, "a", "b").by_candidate()
    assert table["number"].tolist() == list(range(6))
    assert table["training"].tolist() == ["a"] * 3 + ["b"] * 3
    assert table["min_cluster_size"].tolist() == [10, 20, 30] * 2
    assert table["sbd"].tolist() == pytest.approx(
        [80 / 3, 170 / 3, 30, 80 / 3 - 5, 170 / 3 - 5, 25], abs=1e-3
    )


def test_of_settings_that_are_as_good_the_first_is_taken(scored):
    result = scored(np.full((3, 2, 3), 0.1 + 0.2).tolist())
    assert result.chosen == CANDIDATES[0].settings
    assert set(result.photos["number"]) == {0}


def test_a_single_fold_has_nothing_for_a_cluster_net_to_learn_from(pairs, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "train", lambda *_, **__: pytest.fail("known before any training"))
    (first, *_) = make_folds(pairs, n_folds=3, seed=0).splits
    candidates = grid_candidates(SETTINGS, ["seeded", "seeded+cluster_net"])
    with pytest.raises(SettingsError, match="--only 2"):
        cross_validate(Folds(0, False, (first,)), tmp_path, {"": SETTINGS}, candidates)


@pytest.mark.parametrize("clustering", CLUSTERINGS)
def test_every_clustering_has_a_grid_of_its_own(clustering):
    grid = clustering_grid(replace(SETTINGS, pipeline=PipelineSettings(clustering)))
    assert len(set(map(str, grid))) == len(grid) > 1


def test_folds_are_written_down_and_read_again(pairs, tmp_path):
    folds = prepare_folds(pairs, tmp_path / "cv", n_folds=3, seed=4)
    held_out = [pair.name for split in folds.splits for pair in split.validation]
    assert sorted(held_out) == [pair.name for pair in pairs]
    assert prepare_folds(pairs, tmp_path / "cv", n_folds=3, seed=99) == folds
    assert prepare_folds(pairs, tmp_path / "other", n_folds=3, seed=99) != folds


def test_folds_by_group_part_no_plant(pairs, tmp_path):
    for split in prepare_folds(pairs, tmp_path, n_folds=3, seed=0, by_group=True).splits:
        assert {pair.group for pair in split.train}.isdisjoint(pair.group for pair in split.validation)


def test_another_number_of_folds_or_other_photos_are_refused(pairs, tmp_path):
    prepare_folds(pairs, tmp_path, n_folds=3, seed=0)
    with pytest.raises(DatasetError, match="3 folds, 2 are asked for"):
        prepare_folds(pairs, tmp_path, n_folds=2, seed=0)
    with pytest.raises(DatasetError, match="photos that are not there"):
        prepare_folds(pairs[:-1], tmp_path, n_folds=3, seed=0)


def test_a_grid_is_all_combinations_around_the_settings_given():
    start = ClusteringSettings(min_cluster_size=99, foreground_threshold=0.4)
    grid = combinations(start, {"min_cluster_size": (5, 6), "min_samples": (1, 2, 3)})
    assert [(one.min_cluster_size, one.min_samples) for one in grid] == [
        (5, 1), (5, 2), (5, 3), (6, 1), (6, 2), (6, 3),
    ]  # fmt: skip
    assert {one.foreground_threshold for one in grid} == {0.4}


@pytest.mark.parametrize("pipeline", ["hdbscan", "seeded+mrf"])
def test_the_default_grid_holds_no_settings_twice(pipeline):
    grid = clustering_grid(replace(SETTINGS, pipeline=PipelineSettings(pipeline)))
    assert len({tuple(asdict(one).values()) for one in grid}) == len(grid) > 3


def test_the_papers_sizes_are_the_grid_where_the_background_is_an_instance():
    paper = replace(SETTINGS, net=NetSettings(foreground_head=False), loss=LossSettings(background=True))
    assert [one.min_cluster_size for one in clustering_grid(paper)] == [30, 35, 40, 45, 50, 55]


def test_a_grid_of_ones_own_and_of_each_pipeline():
    grid = clustering_grid(SETTINGS, ["min_cluster_size=7,9", "seed_radius=1"])
    assert [(one.min_cluster_size, one.seed_radius) for one in grid] == [(7, 1.0), (9, 1.0)]
    candidates = grid_candidates(SETTINGS, ["hdbscan", "seeded+cluster_net"])
    kinds = {(one.pipeline, one.settings.pipeline.steps) for one in candidates}
    assert kinds == {("hdbscan", "hdbscan"), ("seeded+cluster_net", "seeded+cluster_net")}
    with pytest.raises(SettingsError, match="did you mean min_samples"):
        clustering_grid(SETTINGS, ["min_sample=3"])


def test_variants_are_all_combinations_under_names_of_their_own():
    variants = varied(SETTINGS, ["loss.push_margin=5,10", "loss.pull_margin=0.5,1"])
    margins = {name: (one.loss.push_margin, one.loss.pull_margin) for name, one in variants.items()}
    assert margins == {
        "push_margin=5,pull_margin=0.5": (5, 0.5),
        "push_margin=5,pull_margin=1": (5, 1),
        "push_margin=10,pull_margin=0.5": (10, 0.5),
        "push_margin=10,pull_margin=1": (10, 1),
    }
    assert varied(SETTINGS, []) == {"": SETTINGS}
    with pytest.raises(SettingsError, match=r"--vary: loss\.push_margin has no values"):
        varied(SETTINGS, ["loss.push_margin"])


def test_the_variant_of_the_training_is_chosen_on_the_other_folds_too(scored):
    result = scored(np.full((3, 2, 3), 80.0).tolist(), "good", "worse")
    assert result.variant == "good"
    assert set(result.photos["variant"]) == {"good"}
    means = result.means_by("variant", "pipeline")
    assert {name: mean["sbd"] for name, mean in means.items()} == {"good hdbscan": 80, "worse hdbscan": 75}
    assert result.means_by("pipeline") == {}  # nothing to compare


def test_each_variants_models_look_as_they_were_trained_to(pairs, shown, tmp_path):
    variants = {
        str(size): replace(SETTINGS, looks=LookSettings(input_size=size, first_size=size))
        for size in (256, 384)
    }
    result = cross_validate(make_folds(pairs, n_folds=3, seed=0), tmp_path, variants, CANDIDATES)
    assert [one.settings.looks.input_size for one in result.candidates] == [256] * 3 + [384] * 3
    assert result.scores.groupby("number")["variant"].unique().str[0].tolist() == ["256"] * 3 + ["384"] * 3


def test_variants_that_are_one_training_are_refused(pairs, shown, tmp_path):
    folds, variants = make_folds(pairs, n_folds=3, seed=0), varied(SETTINGS, ["clustering.steepest=0,8"])
    with pytest.raises(SettingsError, match=r"steepest=0 and steepest=8 are one training; .*--grid"):
        cross_validate(folds, tmp_path, variants, CANDIDATES)
    for choice in ("looks.doubt=0.1,1", "training.pictures=0,4"):
        with pytest.raises(SettingsError, match="one training"):
            cross_validate(folds, tmp_path, varied(SETTINGS, [choice]), CANDIDATES)
    nets = varied(SETTINGS, ["cluster_net.width=2,4"])
    with pytest.raises(SettingsError, match="one training"):
        cross_validate(folds, tmp_path, nets, CANDIDATES)
    candidates = make_candidates(["hdbscan+cluster_net"], [SETTINGS.clustering], SETTINGS.segment)
    assert cross_validate(folds, tmp_path, nets, candidates).variant == "width=2"


def test_models_of_other_settings_are_not_taken_for_these(scored, tmp_path):
    (tmp_path / "fold1").mkdir()
    other = replace(SETTINGS, loss=LossSettings(push_margin=7.0))
    (tmp_path / "fold1" / "settings.toml").write_text(to_toml(other))
    with pytest.raises(OutputError, match="fold1: holds a training of other settings"):
        scored(np.zeros((3, 2, 3)).tolist(), "", "more")


@pytest.fixture
def shown(monkeypatch):
    """What would train each ClusterNet: folder -> [(the model that shows photos, the photos)]."""
    trained = {}

    def train(pairs, validation, folder, settings, **_):
        (folder / "model").mkdir(parents=True)
        return folder / "model"

    def train_cluster_net(pairs, model, folder, settings, *, others, **_):
        assert list(pairs) == []
        trained[folder] = list(others)
        (folder / "model").mkdir(parents=True)
        learnt = Split(tuple(pair for _, its in others for pair in its), ())
        model_has_seen = frozenset(f"p{i}" for i in range(6))
        write_folds(folder / "split.json", Folds(0, False, (learnt,)), seen=Seen(model_has_seen))
        (folder / "settings.toml").write_text(tomli_w.dumps({"cluster_net": to_dict(settings)}))
        return folder / "model"

    def kept_scores(path, pairs, model, candidates, workers):
        scores = dict.fromkeys(("sbd", *COLUMNS), 1.0)
        rows = [
            scores | {"photo": pair.name, "number": number, "pipeline": candidate.pipeline, "model": model}
            for pair in pairs
            for number, candidate in enumerate(candidates)
        ]
        return pd.DataFrame(rows)

    monkeypatch.setattr(module, "train", train)
    monkeypatch.setattr(module, "train_cluster_net", train_cluster_net)
    monkeypatch.setattr(module, "kept_scores", kept_scores)
    return trained


def test_a_cluster_net_learns_from_the_other_folds_photos_as_their_own_models_show_them(
    pairs, shown, tmp_path
):
    folds = make_folds(pairs, n_folds=3, seed=0)
    candidates = make_candidates(["hdbscan", "hdbscan+cluster_net"], [SETTINGS.clustering], SETTINGS.segment)
    result = cross_validate(folds, tmp_path, {"": SETTINGS}, candidates)
    held_out = {number: split.validation for number, split in enumerate(folds.splits, 1)}
    assert shown == {
        tmp_path / f"fold{number}" / "cluster_net": [
            (tmp_path / f"fold{other}" / "model", held_out[other]) for other in (1, 2, 3) if other != number
        ]
        for number in (1, 2, 3)
    }
    for number in (1, 2, 3):
        scored_by = result.scores[result.scores["fold"] == number]["model"]
        assert set(scored_by) == {tmp_path / f"fold{number}" / "cluster_net" / "model"}
    shown.clear()
    cross_validate(folds, tmp_path, {"": SETTINGS}, candidates)
    assert shown == {}  # what is done is not done again
    other = replace(SETTINGS, cluster_net=ClusterNetSettings(width=3))
    with pytest.raises(OutputError, match="cluster_net: holds a training of other settings"):
        cross_validate(folds, tmp_path, {"": other}, candidates)


def test_where_a_fold_is_added_cluster_nets_learn_from_its_photos_too(pairs, shown, tmp_path):
    folds = make_folds(pairs, n_folds=3, seed=0)
    candidates = make_candidates(["hdbscan+cluster_net"], [SETTINGS.clustering], SETTINGS.segment)
    cross_validate(replace(folds, splits=folds.splits[:2]), tmp_path, {"": SETTINGS}, candidates)
    assert {folder.parent.name for folder in shown} == {"fold1", "fold2"}
    (tmp_path / "fold1" / "scores.csv").touch()
    shown.clear()
    cross_validate(folds, tmp_path, {"": SETTINGS}, candidates)
    assert [len(others) for others in shown.values()] == [2, 2, 2]
    assert not (tmp_path / "fold1" / "scores.csv").exists()


def test_without_a_pipeline_that_needs_one_no_cluster_net_is_trained(pairs, shown, tmp_path):
    cross_validate(make_folds(pairs, n_folds=3, seed=0), tmp_path, {"": SETTINGS}, CANDIDATES)
    assert shown == {}


def trained_fold(folder, train, pairs):
    """A fold as a cross-validation leaves it, trained on the photos of these numbers."""
    (folder / "model").mkdir(parents=True)
    names = [Pair(f"p{i}", pairs[i].image, pairs[i].labels, "g") for i in train]
    write_folds(folder / "split.json", Folds(0, False, (Split(tuple(names), ()),)))


def renamed(pairs, prefix):
    return tuple(replace(pair, name=prefix + pair.name) for pair in pairs)


@pytest.mark.parametrize("prefix", ["", "A1_"])
def test_a_fold_starts_from_a_model_that_never_saw_its_photos(pairs, tmp_path, prefix):
    trained_fold(tmp_path / "before" / "fold2", [0, 1, 4, 5], pairs)
    unseen = Split((), renamed(pairs[2:4], prefix))
    assert unseen_start(tmp_path / "before", 2, unseen) == tmp_path / "before" / "fold2" / "model"
    seen = Split((), renamed(pairs[3:5], prefix))
    with pytest.raises(DatasetError, match=f"has seen {prefix}p4"):
        unseen_start(tmp_path / "before", 2, seen)
    with pytest.raises(DatasetError, match="fold1: no trained fold"):
        unseen_start(tmp_path / "before", 1, unseen)


def test_every_fold_is_trained_from_the_model_of_its_number(pairs, tmp_path, monkeypatch):
    folds = make_folds(pairs, n_folds=3, seed=0)
    for number, split in enumerate(folds.splits, 1):
        held_out = {pair.name for pair in split.validation}
        train = [i for i, pair in enumerate(pairs) if pair.name not in held_out]
        trained_fold(tmp_path / "before" / f"fold{number}", train, pairs)
    starts = []

    def train(pairs, validation, folder, settings, *, start, **_):
        starts.append(start)
        return folder / "model"

    def kept_scores(path, pairs, *_):
        row = {"number": 0, "settings": "", "pipeline": "seeded", "sbd": 1.0, **dict.fromkeys(COLUMNS, 0.0)}
        return pd.DataFrame([{"photo": pair.name, **row} for pair in pairs])

    monkeypatch.setattr(module, "train", train)
    monkeypatch.setattr(module, "kept_scores", kept_scores)
    (tmp_path / "out").mkdir()
    cross_validate(folds, tmp_path / "out", {"": SETTINGS}, CANDIDATES[:1], start=tmp_path / "before")
    assert starts == [tmp_path / "before" / f"fold{number}" / "model" for number in (1, 2, 3)]


def test_what_a_start_had_seen_before_counts_too(pairs, tmp_path):
    trained_fold(tmp_path / "before" / "fold1", [0], pairs)
    names = (Pair("p0", pairs[0].image, pairs[0].labels, "g"),)
    write_folds(
        tmp_path / "before" / "fold1" / "split.json",
        Folds(0, False, (Split(names, ()),)),
        seen=Seen(frozenset(["p5"])),
    )
    with pytest.raises(DatasetError, match="has seen p5"):
        unseen_start(tmp_path / "before", 1, Split((), tuple(pairs[4:])))


def test_folds_of_another_start_are_not_taken_for_these(scored, pairs, tmp_path):
    folds = make_folds(pairs, n_folds=3, seed=0)
    (tmp_path / "fold1").mkdir()
    (tmp_path / "fold1" / "settings.toml").write_text(to_toml(SETTINGS))
    with pytest.raises(OutputError, match="trained from scratch"):
        cross_validate(folds, tmp_path, {"": SETTINGS}, CANDIDATES[:1], start=tmp_path / "before")


def test_folds_that_leave_photos_out_are_refused(pairs, tmp_path):
    prepare_folds(pairs[:4], tmp_path, n_folds=2, seed=0)
    with pytest.raises(DatasetError, match="says nothing of p4, p5"):
        prepare_folds(pairs, tmp_path, n_folds=2, seed=0)
    with pytest.raises(DatasetError, match="not by group"):
        prepare_folds(pairs[:4], tmp_path, n_folds=2, seed=0, by_group=True)


def test_a_pipeline_that_knows_the_truth_is_not_chosen_from(pairs, tmp_path):
    candidates = make_candidates(["seeded", "true_means"], [SETTINGS.clustering], SETTINGS.segment)
    with pytest.raises(SettingsError, match="true_means knows the truth"):
        cross_validate(make_folds(pairs, n_folds=3, seed=0), tmp_path, {"": SETTINGS}, candidates)


def test_a_photo_that_two_folds_hold_out_is_refused(pairs, tmp_path):
    splits = (Split(tuple(pairs[:2]), tuple(pairs[2:])), Split(tuple(pairs[3:]), tuple(pairs[:3])))
    write_folds(tmp_path / "folds.json", Folds(0, False, splits))
    with pytest.raises(DatasetError, match=r"folds\.json: held out in two folds: p2; hold"):
        prepare_folds(pairs, tmp_path, n_folds=2, seed=0)


def test_a_fold_that_was_trained_on_other_photos_is_not_taken(pairs, tmp_path):
    trained_fold(tmp_path / "fold1", [0, 1, 2], pairs)
    (tmp_path / "fold1" / "settings.toml").write_text(to_toml(SETTINGS))
    assert trained_once(pairs[:3], tmp_path / "fold1", SETTINGS) == tmp_path / "fold1" / "model"
    with pytest.raises(OutputError, match=r"fold1: holds a training of other photos \(p0, p3\)"):
        trained_once(pairs[1:4], tmp_path / "fold1", SETTINGS)


def test_a_start_that_is_refused_is_not_written_down(pairs, tmp_path):
    folds = make_folds(pairs, n_folds=3, seed=0)
    with pytest.raises(DatasetError, match="no trained fold"):
        cross_validate(folds, tmp_path / "out", {"": SETTINGS}, CANDIDATES[:1], start=tmp_path / "before")
    assert not (tmp_path / "out").exists()
