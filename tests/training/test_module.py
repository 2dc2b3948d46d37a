"""A step of the training: which terms of the loss it takes and logs."""

import pandas as pd
import pytest

ONE_BATCH = {"epochs": 1, "batch_size": 4}


def terms_logged(out):
    """What metrics.csv holds of one step, by column."""
    return pd.read_csv(out / "logs" / "metrics.csv").max()


@pytest.mark.parametrize("pixel_weights", ["uniform", "border"])
def test_the_edge_term_is_a_term_of_its_own(train_small, tmp_path, pixel_weights):
    weights = {"pull_weight": 2.0, "push_weight": 3.0, "edge_weight": 0.5, "foreground_weight": 7.0}
    loss = {**weights, "reg_weight": 0.25, "edge_pixels": 20, "pixel_weights": pixel_weights}
    train_small(validation=0, training=ONE_BATCH, loss=loss)
    logged = terms_logged(tmp_path / "run")
    names = ("pull", "push", "reg", "edge", "foreground")
    assert logged["loss/edge"] > 0
    assert logged["loss"] == pytest.approx(
        sum(loss[f"{name}_weight"] * logged[f"loss/{name}"] for name in names)
    )


def test_without_a_weight_no_edge_term_is_logged(train_small, tmp_path):
    train_small(validation=0, training=ONE_BATCH)
    assert "loss/edge" not in terms_logged(tmp_path / "run")


def test_the_settings_of_the_mean_change_the_loss(train_small, tmp_path):
    losses = {}
    for kind in ("uniform", "key_points", "border"):
        train_small(kind, validation=0, training=ONE_BATCH, loss={"pixel_weights": kind})
        losses[kind] = terms_logged(tmp_path / kind)["loss"]
    assert len(set(losses.values())) == 3
