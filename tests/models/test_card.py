import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafwise.config import (
    ClusteringSettings,
    LookSettings,
    LossSettings,
    NetSettings,
    RefineSettings,
    to_dict,
)
from leafwise.errors import ModelError
from leafwise.models import ModelCard, read_card, write_card

CARD = ModelCard(
    name="rosette",
    leafwise_version="0.1.0",
    stride=2,
    description='Rosettes seen from above,\nover two lines with "quotes" and a \\ in them.',
    trained_on="108 photos, côté and Ω",
    command="leafwise train photos --out model --set training.epochs=60",
    limits="Cut leaves.",
    licence="Apache-2.0; the photos are for research only",
    mean=(0.5, 0.25, 0.125),
    std=(0.3, 0.2, 0.1),
    looks=LookSettings(input_size=256, margin=0.1, one_plant=True),
    clustering=ClusteringSettings(min_cluster_size=33, foreground_threshold=0.25),
    refine=RefineSettings(mrf_solver="min_cut", mrf_reduction=1, merge="size", mask_threshold=0.75),
    net=NetSettings(encoder="resnet101", decoder="paper", embedding_size=32),
    loss=LossSettings(pull_margin=2.0, push_margin=20.0, background=True),
    scores={"cvppp_a1": {"sbd": 88.25, "fbd": 98.0}, "a set": {"sbd": float("inf")}},
)
LEAST = 'name = "a"\nleafwise_version = "0.1.0"\nstride = 2\n'


def test_a_card_survives_its_file(tmp_path):
    write_card(CARD, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["model.toml"]
    assert read_card(tmp_path) == CARD


@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\r")))
def test_any_words_survive_the_file(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("card")
    card = dataclasses.replace(CARD, description=text, scores={text: {text: 1.5}})
    write_card(card, folder)
    assert read_card(folder) == card


def test_what_a_card_does_not_say_is_the_default(tmp_path):
    (tmp_path / "model.toml").write_text(LEAST)
    assert read_card(tmp_path) == ModelCard(name="a", leafwise_version="0.1.0", stride=2)


def test_a_card_from_before_there_were_refinements_has_their_defaults(tmp_path):
    write_card(CARD, tmp_path)
    path = tmp_path / "model.toml"
    text = path.read_text(encoding="utf-8")
    section = text[text.index("[refine]") : text.index("[net]")]
    path.write_text(text.replace(section, ""), encoding="utf-8")
    assert read_card(tmp_path) == dataclasses.replace(CARD, refine=RefineSettings())


def test_a_folder_without_a_card_is_no_model(tmp_path):
    with pytest.raises(ModelError, match=r"not a model folder, it has no model\.toml"):
        read_card(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", "not a TOML file"),
        ('name = "a"', "stride"),  # incomplete
        (LEAST.replace("2", '"two"'), "stride must be int"),
        (LEAST + "strid = 2\n", "did you mean stride"),
        (LEAST + "[looks]\ninput_size = 100\n", "multiple of 32"),
        (LEAST + "[refine]\nmask_threshold = 1.0\n", "between 0 and 1"),
        (LEAST + "[clustering]\nmin_cluster_size = 0\n", "at least 2"),
        (LEAST + "looks = 3\n", "must be a table"),
        (LEAST + "mean = 0.5\n", "mean must be"),
        (LEAST + "scores = 80\n", "scores must be"),
    ],
)
def test_a_damaged_card_is_named_with_what_is_wrong(tmp_path, text, message):
    (tmp_path / "model.toml").write_text(text)
    with pytest.raises(ModelError, match=message) as failure:
        read_card(tmp_path)
    assert "model.toml" in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_card_of_other_bytes_is_damaged(tmp_path):
    (tmp_path / "model.toml").write_bytes(b"\x89PNG\r\n\x1a\n\xff")
    with pytest.raises(ModelError, match=r"model\.toml"):
        read_card(tmp_path)


def test_everything_on_the_card_is_in_the_file(tmp_path):
    write_card(CARD, tmp_path)
    text = (tmp_path / "model.toml").read_text(encoding="utf-8")
    for name in to_dict(CARD):
        assert name in text
