import shutil

import numpy as np
import onnx
import pytest

from leafwise.errors import ModelError
from leafwise.models import Model, load_model, read_card


@pytest.fixture
def copy(tiny_model, tmp_path):
    """A copy of the tiny model that a test may damage."""
    return shutil.copytree(tiny_model, tmp_path / "copy")


def refusal(folder):
    with pytest.raises(ModelError) as failure:
        load_model(folder)
    message = str(failure.value)
    assert str(folder) in message
    assert "\n" not in message
    return message


def test_a_model_says_what_it_sees_on_its_own_grid(tiny_model):
    model = load_model(tiny_model, threads=1)
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3), dtype=np.uint8)
    before = images.copy()
    embeddings, foreground = model.embed(images)
    assert embeddings.dtype == foreground.dtype == np.float32
    assert embeddings.shape == (2, 4, 32, 48)
    assert foreground.shape == (2, 32, 48)
    assert foreground.min() >= 0
    assert foreground.max() <= 1
    np.testing.assert_array_equal(images, before)


def test_a_model_knows_its_card_and_folder(tiny_model):
    model = Model.load(tiny_model)
    assert model.card == read_card(tiny_model)
    assert model.folder == tiny_model


def test_running_a_model_needs_no_weights_to_train_from(copy, tiny_model):
    (copy / "weights.safetensors").unlink()
    images = np.full((1, 32, 32, 3), 90, np.uint8)
    np.testing.assert_array_equal(
        load_model(copy, threads=1).embed(images).embeddings,
        load_model(tiny_model, threads=1).embed(images).embeddings,
    )


def test_a_missing_network_is_named(copy):
    (copy / "embedding.onnx").unlink()
    assert "has no embedding.onnx" in refusal(copy)


@pytest.mark.parametrize("content", [b"", b"This is a text file.\n", b"\x00" * 64, b"\x89PNG\r\n\x1a\n"])
def test_another_file_in_the_networks_place_is_named(copy, content):
    (copy / "embedding.onnx").write_bytes(content)
    assert "embedding.onnx: damaged" in refusal(copy)


def test_a_network_cut_short_is_named(copy):
    path = copy / "embedding.onnx"
    path.write_bytes(path.read_bytes()[:-1000])
    assert "embedding.onnx: damaged" in refusal(copy)


def test_a_folder_in_the_networks_place_is_named(copy):
    (copy / "embedding.onnx").unlink()
    (copy / "embedding.onnx").mkdir()
    assert "embedding.onnx" in refusal(copy)


def test_a_network_without_the_head_that_its_card_speaks_of_is_refused(copy):
    card = copy / "model.toml"
    text = card.read_text()
    assert "foreground_head = true" in text
    card.write_text(text.replace("foreground_head = true", "foreground_head = false"))
    assert "its card speaks of" in refusal(copy)


def test_a_network_of_something_else_is_refused(copy):
    port = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    out = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "other", [port], [out])
    program = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(program, copy / "embedding.onnx")
    assert "embedding.onnx" in refusal(copy)
