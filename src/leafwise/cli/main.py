"""`leafwise`: its commands, and what a user sees when one fails."""

import functools
import os
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import Any

import typer

from leafwise.cli.check import check
from leafwise.cli.console import plain
from leafwise.cli.convert import convert
from leafwise.cli.crossval import crossval
from leafwise.cli.endings import exit_status, heed_endings
from leafwise.cli.evaluate import evaluate
from leafwise.cli.explain import explain
from leafwise.cli.info import info
from leafwise.cli.models import models
from leafwise.cli.score import score
from leafwise.cli.segment import segment
from leafwise.cli.synth import synth
from leafwise.cli.table1 import table1
from leafwise.cli.train import train
from leafwise.cli.train_cluster_net import train_cluster_net
from leafwise.errors import LeafwiseError

app = typer.Typer(
    name="leafwise",
    help="Find every leaf in plant photos: per-leaf masks, counts and traits.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
)


def _guarded(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose failures are one line and an exit status, never a traceback."""

    @functools.wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except LeafwiseError as error:
            _say(f"Error: {error}")
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            _say(
                "Stopped. What is finished is kept; run the same command again to go on "
                "(train and train-cluster-net: with --resume; segment: without --overwrite)."
            )
            raise typer.Exit(exit_status(error)) from error
        except MemoryError as error:
            _say("Error: not enough memory; try smaller photos or fewer --workers")
            raise typer.Exit(1) from error
        except BrokenPipeError:  # `leafwise ... | head` has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except Exception as error:
            if "LEAFWISE_DEBUG" in os.environ:
                raise
            first = (str(error).splitlines() or [""])[0]
            _say(
                f"Error: unexpected {type(error).__name__}: {first} "
                "(LEAFWISE_DEBUG=1 shows where; please report it with the output of `leafwise info`)"
            )
            raise typer.Exit(1) from error

    return guarded


def _say(line: str) -> None:
    plain(stderr=True).print(line)


for _command in (
    segment,
    explain,
    score,
    train,
    train_cluster_net,
    crossval,
    evaluate,
    table1,
    check,
    convert,
    models,
    synth,
    info,
):
    app.command()(_guarded(_command))


def run() -> None:
    """The entry point of the `leafwise` command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a path may hold what a terminal or file cannot show
            stream.reconfigure(errors="backslashreplace")
    heed_endings()
    app()
