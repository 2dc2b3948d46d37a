"""The command as a shell runs it."""

import re

from click.testing import Result
from typer.testing import CliRunner

from leafwise.cli.main import app

BAR = re.compile(r"^\s*(Segmenting|Converting|training|Checking)\b.*(photos|steps|%)")


def leafwise(*arguments) -> Result:
    """Runs a command in this process; whatever happens, no traceback is shown."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    return result


def errors_of(stderr: str) -> list[str]:
    """What is said besides the progress bar."""
    return [line for line in stderr.splitlines() if line.strip() and not BAR.match(line)]


def refused(*arguments) -> str:
    """Runs a command that is refused with exit status 1, and returns the one line that says why."""
    result = leafwise(*arguments)
    assert result.exit_code == 1
    (line,) = errors_of(result.stderr)
    return line
