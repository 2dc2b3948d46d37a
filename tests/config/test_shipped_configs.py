from pathlib import Path

import pytest

from leafwise.config import RunSettings, from_dict, read_toml
from leafwise.models import find_model, read_card

CONFIGS = Path(__file__).parents[2] / "configs"


def read(name):
    return from_dict(RunSettings, read_toml(CONFIGS / f"{name}.toml"), where=name)


def test_every_file_can_be_read():
    names = [path.stem for path in CONFIGS.glob("*.toml")]
    assert "paper" in names
    for name in names:
        assert read(name) != RunSettings()


@pytest.mark.parametrize(
    ("name", "model"), [("rosette-second", "rosette"), ("rosette-fast", "rosette-fast"), ("nuclei", "nuclei")]
)
def test_a_shipped_models_file_has_the_settings_on_its_card(name, model):
    settings, card = read(name), read_card(find_model(model))
    for section in ("looks", "loss", "pipeline", "clustering", "refine"):
        assert getattr(settings, section) == getattr(card, section)


@pytest.mark.parametrize("name", ["paper", "paper-small", "default", "a1"])
def test_files_of_the_papers_loss_have_no_term_of_ours(name):
    settings = read(name)
    assert settings.loss.overlap_weight == 0
    training = settings.training
    assert (training.settle_norms, training.grow_from, training.least_views) == (0, 0, 0)
