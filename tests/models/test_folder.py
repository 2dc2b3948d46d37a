import pytest

from leafwise.errors import ModelError
from leafwise.models import find_model, folder, load_model, reference_to, shipped_models


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A package that ships the models rosette and tray."""
    root = tmp_path / "shipped"
    for name in ("tray", "rosette"):
        (root / name).mkdir(parents=True)
        (root / name / "model.toml").write_text(f'name = "{name}"\nleafwise_version = "0.1.0"\nstride = 2\n')
    (root / "__pycache__").mkdir()
    monkeypatch.setattr(folder, "SHIPPED", root)
    return root


def test_shipped_models_are_the_folders_with_a_card_by_name(shipped):
    assert shipped_models() == [shipped / "rosette", shipped / "tray"]


def test_a_package_without_models_ships_none(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "SHIPPED", tmp_path / "nowhere")
    assert shipped_models() == []


def test_a_shipped_model_is_found_by_its_name(shipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rosette").mkdir()  # a folder that happens to have the name does not stand in its way
    assert find_model("rosette") == shipped / "rosette"


def test_a_model_is_found_by_its_path(shipped, tiny_model, monkeypatch):
    assert find_model(tiny_model) == tiny_model
    assert find_model(str(tiny_model)) == tiny_model
    monkeypatch.chdir(tiny_model.parent)
    assert find_model("tiny").samefile(tiny_model)


@pytest.mark.parametrize(
    ("typo", "meant"), [("rosete", "rosette"), ("rosettes", "rosette"), ("trays", "tray")]
)
def test_an_unknown_name_brings_the_nearest_one(shipped, typo, meant):
    with pytest.raises(ModelError, match=f"no model '{typo}'; did you mean {meant}") as failure:
        find_model(typo)
    assert "\n" not in str(failure.value)


def test_a_name_near_to_none_says_how_to_list_them(shipped):
    with pytest.raises(ModelError, match="`leafwise models` lists them"):
        load_model("zzzzzz")


def test_a_folder_that_is_no_model_is_refused(shipped, tmp_path):
    for find in (find_model, load_model):
        with pytest.raises(ModelError, match="not a model folder") as failure:
            find(tmp_path)
        assert str(tmp_path) in str(failure.value)


def test_a_file_is_no_model(shipped, tmp_path):
    path = tmp_path / "embedding.onnx"
    path.write_text("")
    with pytest.raises(ModelError, match="this is a file"):
        load_model(path)


def test_a_reference_finds_the_model_from_anywhere(shipped, tiny_model, tmp_path, monkeypatch):
    assert reference_to(find_model("tray")) == "tray"
    monkeypatch.chdir(tiny_model.parent)
    reference = reference_to(find_model("tiny"))
    monkeypatch.chdir(tmp_path)
    assert find_model(reference).samefile(tiny_model)
