"""What holds for every command: help, exit statuses, and one line instead of a traceback."""

import os
import subprocess
import sys
from io import BytesIO, TextIOWrapper

import pytest
from shell import leafwise, refused
from typer.testing import CliRunner

from leafwise.cli import main
from leafwise.cli.main import app
from leafwise.errors import ModelError

COMMANDS = [
    command.name or command.callback.__name__.replace("_", "-") for command in app.registered_commands
]


def python_m_leafwise(*arguments, **options):
    environment = {name: value for name, value in os.environ.items() if name != "LEAFWISE_DEBUG"}
    command = [sys.executable, "-m", "leafwise", *map(str, arguments)]
    return subprocess.run(command, text=True, check=False, env=environment, **options)


def test_the_module_is_the_command():
    result = python_m_leafwise("--help", capture_output=True)
    assert result.returncode == 0
    assert "Usage: python -m leafwise" in result.stdout
    assert {"segment", "explain", "train-cluster-net"} <= set(COMMANDS)
    for command in COMMANDS:
        assert f" {command} " in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(command):
    for flag in ("--help", "-h"):
        result = leafwise(command, flag)
        assert result.exit_code == 0
        assert f"leafwise {command}" in result.stdout.partition("Examples:")[2]


def test_without_a_command_help_is_shown():
    assert "Usage: leafwise" in leafwise().output


@pytest.mark.parametrize(
    "arguments",
    [("nosuch",), ("segment", "--nosuch"), ("train", "data"), ("synth", "--out", "x", "--count", "-1")],
)
def test_wrong_usage_exits_2(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    result = leafwise(*arguments)
    assert result.exit_code == 2
    assert "Usage: leafwise" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def failing(monkeypatch):
    """Lets `leafwise models x` fail with an exception."""

    def fail(error):
        def raise_it(name):
            raise error

        monkeypatch.setattr("leafwise.models.find_model", raise_it)
        return "models", "x"

    monkeypatch.delenv("LEAFWISE_DEBUG", raising=False)
    return fail


def test_what_a_user_can_put_right_is_one_line_as_it_is(failing):
    message = "[red]/a/very/long/path" + "/folder" * 40 + "[/red]: no model :smile:; choose another"
    assert refused(*failing(ModelError(message))) == f"Error: {message}"


def test_an_unforeseen_error_is_one_line_that_says_how_to_see_more(failing):
    line = refused(*failing(ZeroDivisionError("by zero\nsecond line")))
    assert line.startswith("Error: unexpected ZeroDivisionError: by zero (LEAFWISE_DEBUG=1 ")
    assert "leafwise info" in line
    assert refused(*failing(KeyError())).startswith("Error: unexpected KeyError:")


def test_debugging_shows_all_of_an_unforeseen_error(failing, monkeypatch, tmp_path):
    monkeypatch.setenv("LEAFWISE_DEBUG", "1")
    error = ZeroDivisionError("by zero")
    assert CliRunner().invoke(app, failing(error)).exception is error


def test_too_little_memory_is_one_line(failing):
    assert "not enough memory" in refused(*failing(MemoryError()))


def test_an_interrupt_exits_130_as_the_shell_does(failing):
    result = leafwise(*failing(KeyboardInterrupt()))
    assert result.exit_code == 130
    assert len(result.stderr.splitlines()) == 1


def test_a_reader_that_has_seen_enough_is_no_error(tiny_model):
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        result = python_m_leafwise("models", tiny_model, stdout=write_end, stderr=subprocess.PIPE)
    finally:
        os.close(write_end)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")
def test_output_to_a_full_disk_is_no_traceback(tiny_model):
    with open("/dev/full", "w") as full:
        result = python_m_leafwise("models", tiny_model, stdout=full, stderr=subprocess.PIPE)
    assert result.returncode != 0
    assert "Traceback" not in result.stderr
    assert "No space left" in result.stderr


def test_what_a_terminal_cannot_show_is_shown_in_another_way(monkeypatch):
    shown = TextIOWrapper(BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "argv", ["leafwise", "--help"])
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.setattr(main, "heed_endings", lambda: None)
    with pytest.raises(SystemExit):
        main.run()
    print("pfl\udce4nze", end="", file=shown, flush=True)
    assert shown.buffer.getvalue().endswith(rb"pfl\udce4nze")
