import dataclasses
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafwise.clustering import CLUSTERINGS
from leafwise.config import (
    PAPER_PIPELINES,
    AugmentSettings,
    ClusteringSettings,
    ClusterNetSettings,
    LookSettings,
    LossSettings,
    NetSettings,
    PipelineSettings,
    RefineSettings,
    RunSettings,
    SegmentSettings,
    TrainingSettings,
    apply_overrides,
    from_dict,
    read_toml,
    to_dict,
    to_toml,
)
from leafwise.errors import SettingsError


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (LookSettings, "input_size", 0),
        (LookSettings, "input_size", 100),  # no multiple of 32
        (LookSettings, "margin", -0.1),
        (ClusteringSettings, "steepest", -1.0),
        (AugmentSettings, "laid_share", 1.5),
        (AugmentSettings, "most_laid", 0),
        (AugmentSettings, "distractor_share", -0.1),
        (AugmentSettings, "most_distractors", 0),
        (AugmentSettings, "vein_share", 1.5),
        (AugmentSettings, "background_share", -0.1),
        (AugmentSettings, "camera_share", 1.1),
        (TrainingSettings, "plant_photos", -1),
        (TrainingSettings, "least_views", -1),
        (TrainingSettings, "warm_up", 0.0),
        (TrainingSettings, "validate_every", 0),
        (TrainingSettings, "workers", -1),
        (TrainingSettings, "weight_decay", -1.0),
        (TrainingSettings, "seed", -1),
        (TrainingSettings, "synthetic_plants", -3),
        (TrainingSettings, "patience", -1),
        (TrainingSettings, "pictures", -1),
        (TrainingSettings, "half_cycle_epochs", 0),
        (TrainingSettings, "lowest_learning_rate", -1.0),
        (AugmentSettings, "whole_photo_share", 2.0),
        (AugmentSettings, "shift", -0.1),
        (LossSettings, "pull_weight", -1.0),
        (LossSettings, "push_weight", -1.0),
        (LossSettings, "reg_weight", -1.0),
        (LossSettings, "foreground_weight", -1.0),
        (LookSettings, "largest_zoom", 0),
        (LookSettings, "glance_size", 100),
        (LookSettings, "glance_size", -32),
        (LookSettings, "turns", 0),
        (LookSettings, "turns", 2),
        (LookSettings, "turns", 9),
        (LookSettings, "tile_side", -1),
        (LookSettings, "tile_side", 31),
        (LookSettings, "plant_gap", -0.1),
        (LookSettings, "smallest_plant", 1.5),
        (LookSettings, "smallest_piece", -0.1),
        (LookSettings, "agreement", 1.5),
        (LookSettings, "doubt", -0.1),
        (ClusteringSettings, "min_cluster_size", 1),
        (ClusteringSettings, "min_samples", -1),
        (ClusteringSettings, "split_distance", -0.1),
        (ClusteringSettings, "pixel_step", 0),
        (ClusteringSettings, "merge_distance", -0.1),
        (ClusteringSettings, "min_core_size", -1),
        (ClusteringSettings, "density_radius", 0.0),
        (ClusteringSettings, "seed_radius", 0.0),
        (ClusteringSettings, "foreground_threshold", 0.0),
        (ClusteringSettings, "foreground_threshold", 1.0),
        (ClusteringSettings, "border_shift", 1.1),
        (NetSettings, "decoder", "heavy"),
        (NetSettings, "decoder_width", 0.1),
        (AugmentSettings, "color", 1.5),
        (AugmentSettings, "hue", -0.1),
        (NetSettings, "embedding_size", 0),
        (LossSettings, "pull_margin", -0.5),
        (LossSettings, "push_margin", 0.0),
        (LossSettings, "edge_weight", -1.0),
        (LossSettings, "edge_pixels", 0),
        (LossSettings, "overlap_weight", -1.0),
        (LossSettings, "edge_hinge", "mine"),
        (LossSettings, "pixel_weights", "none"),
        (RefineSettings, "mrf_solver", "annealing"),
        (RefineSettings, "mrf_data_weight", -1.0),
        (RefineSettings, "mrf_smoothness_weight", -1.0),
        (RefineSettings, "mrf_reduction", 0),
        (RefineSettings, "merge", "vote"),
        (RefineSettings, "mask_threshold", 0.0),
        (RefineSettings, "mask_threshold", 1.0),
        (AugmentSettings, "kind", "wild"),
        (AugmentSettings, "smallest_view", 2.0),  # above the largest
        (TrainingSettings, "epochs", 0),
        (TrainingSettings, "batch_size", 0),
        (TrainingSettings, "optimizer", "adam"),
        (TrainingSettings, "schedule", "flat"),
        (TrainingSettings, "learning_rate", 0.0),
        (ClusterNetSettings, "epochs", 0),
        (ClusterNetSettings, "schedule", "flat"),
        (ClusterNetSettings, "width", 0),
        (ClusterNetSettings, "window", -16),
        (ClusterNetSettings, "window", 40),  # no multiple of 16
        (ClusterNetSettings, "means", "guessed"),
        (ClusterNetSettings, "positive_weight", -1.0),
        (TrainingSettings, "seed", 1 << 32),
        (TrainingSettings, "milestones", (0, 5)),
        (TrainingSettings, "averaging", 1.0),
        (TrainingSettings, "validation_share", 1.0),
    ],
)
def test_a_value_out_of_range_is_named(kind, name, value):
    with pytest.raises(SettingsError, match=name) as failure:
        kind(**{name: value})
    assert "\n" not in str(failure.value)


def test_the_cyclic_schedules_lowest_rate_is_not_above_its_highest():
    with pytest.raises(SettingsError, match="lowest_learning_rate"):
        TrainingSettings(schedule="cyclic", learning_rate=1e-7)
    assert TrainingSettings(learning_rate=1e-7).lowest_learning_rate == 1e-6  # of no other schedule


def test_without_a_foreground_head_the_background_must_be_an_instance():
    net = NetSettings(foreground_head=False)
    with pytest.raises(SettingsError, match=r"loss\.background"):
        RunSettings(net=net)
    background = LossSettings(background=True)
    assert RunSettings(net=net, loss=background).net == net
    with pytest.raises(SettingsError, match=r"looks\.tile_side=0"):
        RunSettings(net=net, loss=background, looks=LookSettings(tile_side=64))


@pytest.mark.parametrize(
    ("steps", "clustering", "refinements"),
    [
        ("hdbscan", "hdbscan", ()),
        ("seeded+mrf", "seeded", ("mrf",)),
        ("hdbscan+mrf+cluster_net+mrf", "hdbscan", ("mrf", "cluster_net", "mrf")),
        ("seeded+mrf+mrf", "seeded", ("mrf", "mrf")),
    ],
)
def test_a_pipeline_is_a_clustering_and_refinements(steps, clustering, refinements):
    pipeline = PipelineSettings(steps)
    assert (pipeline.clustering, pipeline.refinements) == (clustering, refinements)
    assert apply_overrides(RunSettings(), [f"pipeline.steps={steps}"]).pipeline == pipeline


@pytest.mark.parametrize(
    "steps",
    ["", "mrf", "cluster_net+mrf", "hdbscan+", "+hdbscan", "hdbscan+seeded", "hdbscan mrf", "hdbscan+MRF"],
)
def test_a_pipeline_that_cannot_be_is_refused_with_one_that_can(steps):
    with pytest.raises(SettingsError, match=r"hdbscan\+mrf\+cluster_net; it is ") as failure:
        PipelineSettings(steps)
    assert repr(steps) in str(failure.value)
    assert "\n" not in str(failure.value)


def test_the_papers_pipelines_and_every_clustering_can_be():
    assert len({PipelineSettings(steps) for steps in PAPER_PIPELINES}) == 6
    assert {PipelineSettings(name).clustering for name in CLUSTERINGS} == set(CLUSTERINGS)


def test_the_edge_term_needs_a_push_margin_above_the_pull_margin():
    with pytest.raises(SettingsError, match=r"loss\.push_margin above loss\.pull_margin"):
        LossSettings(edge_weight=1.0, pull_margin=1.5, push_margin=1.5)
    assert LossSettings(edge_weight=0.0, pull_margin=1.5, push_margin=1.5).edge_weight == 0


def test_milestones_are_given_as_a_list():
    changed = apply_overrides(RunSettings(), ["cluster_net.milestones=[3, 8]"])
    assert changed.cluster_net.milestones == (3, 8)
    assert from_dict(RunSettings, tomllib.loads(to_toml(changed))) == changed
    with pytest.raises(SettingsError, match="milestones must be tuple"):
        apply_overrides(RunSettings(), ["cluster_net.milestones=3"])


def test_what_a_model_is_used_with_are_the_sections_of_its_training():
    run = RunSettings(
        looks=LookSettings(one_plant=True),
        pipeline=PipelineSettings("seeded+mrf"),
        clustering=ClusteringSettings(seed_radius=2.0),
        refine=RefineSettings(merge="size"),
    )
    assert run.segment == SegmentSettings(run.looks, run.pipeline, run.clustering, run.refine)


def test_settings_cannot_be_changed_after_they_were_checked():
    with pytest.raises(dataclasses.FrozenInstanceError):
        LookSettings().input_size = 7


@given(
    epochs=st.integers(1, 10**6),
    rate=st.floats(1e-12, 10, allow_nan=False),
    encoder=st.text(max_size=20).filter(lambda text: text.isprintable()),
    one_plant=st.booleans(),
)
def test_settings_survive_toml(epochs, rate, encoder, one_plant):
    settings = RunSettings(
        looks=LookSettings(one_plant=one_plant),
        net=NetSettings(encoder=encoder),
        training=TrainingSettings(epochs=epochs, learning_rate=rate),
    )
    assert from_dict(RunSettings, tomllib.loads(to_toml(settings))) == settings


def test_what_a_file_does_not_name_keeps_its_default(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text("[training]\nepochs = 3\nlearning_rate = 1\n")
    settings = from_dict(RunSettings, read_toml(path))
    assert settings == RunSettings(training=TrainingSettings(epochs=3, learning_rate=1.0))
    assert type(settings.training.learning_rate) is float


def test_an_empty_file_gives_the_defaults(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text("")
    assert from_dict(RunSettings, read_toml(path)) == RunSettings()


@pytest.mark.parametrize(
    "content", [None, b"epochs = ", b"\xff\xfe\x00", b"[training]\nepochs = 1\nepochs = 2\n"]
)
def test_a_file_that_is_no_toml_is_named(tmp_path, content):
    path = tmp_path / "run.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"run\.toml"):
        read_toml(path)


def test_a_folder_is_no_toml_file(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read"):
        read_toml(tmp_path)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"trainig": {}}, "did you mean training"),
        ({"training": {"epoch": 3}}, "training: no setting 'epoch'; did you mean epochs"),
        ({"training": {"zzz": 3}}, "there are: epochs, batch_size"),
        ({"training": 3}, "must be a table"),
        ({"training": {"epochs": "three"}}, "epochs must be int, it is 'three'"),
        ({"training": {"epochs": 3.5}}, "epochs must be int"),
        ({"training": {"milestones": ["a"]}}, "milestones must be int, it is 'a'"),
        ({"training": {"epochs": True}}, "epochs must be int"),
        ({"training": {"learning_rate": True}}, "learning_rate must be float"),
        ({"looks": {"one_plant": 1}}, "one_plant must be bool"),
        ({"net": {"encoder": 101}}, "encoder must be str"),
        ({"net": {"decoder": "heavy"}}, "one of light, paper; it is 'heavy'"),
        ({"net": {"decoder": ["light"]}}, "one of light, paper"),
        ({"training": {"epochs": 0}}, "at least 1"),
        ({"looks": {"margin": float("inf")}}, "margin must be a finite number"),
        ({"clustering": {"seed_radius": float("nan")}}, "seed_radius must be a finite number"),
    ],
)
def test_a_wrong_table_is_refused_with_the_way_out(tables, message):
    with pytest.raises(SettingsError, match=message):
        from_dict(RunSettings, tables)


def test_none_is_left_out_because_toml_has_none():
    @dataclasses.dataclass(frozen=True)
    class Maybe:
        size: int | None = None
        name: str = "a"

    assert to_dict(Maybe()) == {"name": "a"}
    assert to_dict(Maybe(size=2)) == {"size": 2, "name": "a"}


def test_overrides_are_read_as_toml_and_the_last_one_wins():
    before = RunSettings(training=TrainingSettings(seed=5))
    after = apply_overrides(
        before,
        [
            "training.epochs=3",
            "training.epochs = 4",
            "training.learning_rate=1e-3",
            "looks.one_plant=true",
            "net.encoder=resnet101",
            "net.encoder_weights=weights/a=b.safetensors",
            'augment.kind="paper"',
        ],
    )
    assert after.training == TrainingSettings(epochs=4, learning_rate=1e-3, seed=5)
    assert after.looks.one_plant is True
    assert after.net == NetSettings(encoder="resnet101", encoder_weights="weights/a=b.safetensors")
    assert after.augment.kind == "paper"
    assert before == RunSettings(training=TrainingSettings(seed=5))


def test_no_overrides_change_nothing():
    assert apply_overrides(RunSettings(), []) == RunSettings()


@pytest.mark.parametrize(
    "override",
    ["", "training", "training.epochs", "epochs=3", "training.=3", "a.b.c=3"],
)
def test_an_override_of_another_form_shows_the_right_one(override):
    with pytest.raises(SettingsError, match=r"section\.key=value"):
        apply_overrides(RunSettings(), [override])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("trainin.epochs=3", "did you mean training"),
        ("training.epoch=3", "did you mean epochs"),
        ("training.epochs=many", "epochs must be int"),
        ("training.epochs=", "epochs must be int"),
        ("training.epochs=-1", "at least 1"),
        ("net.foreground_head=false", "loss.background"),
    ],
)
def test_an_override_is_checked_like_a_file(override, message):
    with pytest.raises(SettingsError, match=message):
        apply_overrides(RunSettings(), [override])
