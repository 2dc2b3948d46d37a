import pandas as pd
import pytest

from leafwise.training.logs import kept_metrics


def log(folder, steps, epoch=0, **columns):
    """What Lightning's logger does: it deletes the table that it finds, and writes its own."""
    folder.mkdir(exist_ok=True)
    (folder / "metrics.csv").unlink(missing_ok=True)
    table = pd.DataFrame(
        {"epoch": epoch, "step": list(steps), "loss": [float(step) for step in steps]} | columns
    )
    table.to_csv(folder / "metrics.csv", index=False)


def steps_of(folder):
    assert {path.name for path in folder.iterdir()} == {"metrics.csv"}
    return pd.read_csv(folder / "metrics.csv")["step"].tolist()


def test_a_new_run_is_left_as_it_is(tmp_path):
    with kept_metrics(tmp_path / "logs"):
        log(tmp_path / "logs", range(4))
    assert steps_of(tmp_path / "logs") == [0, 1, 2, 3]


def test_a_run_that_logs_nothing_keeps_what_there_was(tmp_path):
    log(tmp_path, range(4))
    with kept_metrics(tmp_path):
        assert not (tmp_path / "metrics.csv").exists()
    assert steps_of(tmp_path) == [0, 1, 2, 3]
    with kept_metrics(tmp_path / "new"):
        pass
    assert not (tmp_path / "new").exists()


def test_steps_done_again_take_the_place_of_the_earlier_ones(tmp_path):
    log(tmp_path, range(6))
    with kept_metrics(tmp_path):
        log(tmp_path, range(4, 8), epoch=1, val_sbd=3.5)
    assert steps_of(tmp_path) == list(range(8))
    table = pd.read_csv(tmp_path / "metrics.csv")
    assert table["epoch"].tolist() == [0] * 4 + [1] * 4
    assert table["val_sbd"].isna().tolist() == [True] * 4 + [False] * 4


def test_ctrl_c_and_kills_lose_nothing(tmp_path):
    log(tmp_path, range(2))
    with pytest.raises(KeyboardInterrupt), kept_metrics(tmp_path):
        log(tmp_path, range(2, 4))
        raise KeyboardInterrupt
    assert steps_of(tmp_path) == [0, 1, 2, 3]
    with kept_metrics(tmp_path):
        log(tmp_path, range(4, 6))
        killed = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for name, content in killed.items():  # as a kill would have left them
        (tmp_path / name).write_bytes(content)
    with kept_metrics(tmp_path):
        log(tmp_path, range(6, 8))
    assert steps_of(tmp_path) == list(range(8))


def test_an_empty_table_is_no_obstacle(tmp_path):
    (tmp_path / "metrics.csv").touch()
    with kept_metrics(tmp_path):
        log(tmp_path, range(2))
    assert steps_of(tmp_path) == [0, 1]


def test_only_the_process_that_writes_touches_anything(tmp_path):
    log(tmp_path, range(3))
    with kept_metrics(tmp_path, writes=False):
        assert steps_of(tmp_path) == [0, 1, 2]
    assert steps_of(tmp_path) == [0, 1, 2]
