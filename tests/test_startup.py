"""`leafwise --help` is instant: what takes long to import waits until a command needs it."""

import subprocess
import sys

HEAVY = {"numpy", "scipy", "skimage", "PIL", "onnxruntime", "pandas", "hdbscan", "sklearn", "torch"}

SHOW_ALL_HELP = f"""
import sys
from leafwise.cli.main import app, run

for command in [[], *([name] for name in sys.argv[1:])]:
    sys.argv = ["leafwise", *command, "--help"]
    try:
        run()
    except SystemExit as end:
        assert not end.code, (command, end.code)
print("HEAVY:", *sorted({HEAVY} & sys.modules.keys()))
"""


def test_no_help_page_imports_anything_heavy() -> None:
    from leafwise.cli.main import app

    commands = [
        command.name or command.callback.__name__.replace("_", "-") for command in app.registered_commands
    ]
    assert {"segment", "score", "train"} <= set(commands)
    result = subprocess.run(
        [sys.executable, "-c", SHOW_ALL_HELP, *commands], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("Usage: leafwise") == len(commands) + 1
    assert result.stdout.splitlines()[-1].split() == ["HEAVY:"]


def test_importing_leafwise_imports_nothing_heavy() -> None:
    code = f"import leafwise, sys; print(*sorted({HEAVY} & sys.modules.keys()))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
