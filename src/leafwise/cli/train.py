"""`leafwise train`: a data set in, a model folder out."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from leafwise.cli.console import plain

if TYPE_CHECKING:
    from leafwise.config import RunSettings
    from leafwise.datasets import Pair, Split


def train(
    datasets: Annotated[
        list[Path], typer.Argument(help="CVPPP folders, or folders with images/ and labels/.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the run: model, logs, pictures, checkpoints.")],
    config: Annotated[Path | None, typer.Option(help="A TOML file of settings.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change one setting; repeatable."),
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="MODEL", help="Start from a model's weights, not from scratch."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that is in OUT.")] = False,
    split: Annotated[
        Path | None, typer.Option(help="A folds.json whose first split says what validates.")
    ] = None,
    by_group: Annotated[
        bool,
        typer.Option("--by-group", help="Never part the photos of one plant over training and validation."),
    ] = False,
    accelerator: Annotated[str, typer.Option(help="Lightning's: auto, cpu, cuda, mps.")] = "auto",
    devices: Annotated[str, typer.Option(help="Lightning's: how many devices a host.")] = "auto",
    nodes: Annotated[int, typer.Option(min=1, help="Lightning's: how many hosts.")] = 1,
    precision: Annotated[
        str, typer.Option(help="Lightning's; auto is bfloat16 where the processor computes in it.")
    ] = "auto",
) -> None:
    """Train a model on photos with label maps, of leaves or of anything else.

    OUT/model is the model; OUT/pictures shows how it did on validation photos, OUT/logs holds CSV and TensorBoard
    logs. The weights with the best validation SBD win. A run that was stopped goes on with --resume.

    \b
    Examples:
      leafwise train CVPPP2017/A1 --out runs/a1
      leafwise train CVPPP2017/A1 KOMATSUNA --out runs/both --by-group
      leafwise train mine --out runs/mine --from rosette --set training.learning_rate=5e-4
      leafwise train nuclei --out runs/nuclei --set looks.one_plant=true --set looks.tile_side=256
      leafwise train CVPPP2017/A1 --out runs/a1 --resume
    """
    # heavy: not for --help
    from leafwise.cli.extras import require_training

    require_training()
    from lightning.fabric.utilities import rank_zero_only

    from leafwise.cli.arguments import read_pairs, read_settings
    from leafwise.datasets import SPLIT_NAME
    from leafwise.training import SETTINGS_NAME, Hardware
    from leafwise.training import train as train_model

    written = out / SETTINGS_NAME
    if resume and config is None and written.is_file():
        config = written
    settings = read_settings(config, set_ or [], from_)
    pairs = read_pairs(datasets)
    earlier = out / SPLIT_NAME
    if resume and split is None and earlier.is_file():
        split = earlier
    parts = _split(pairs, settings, split, by_group=by_group)
    folder = train_model(
        parts.train,
        parts.validation,
        out,
        settings,
        start=from_,
        resume=resume,
        hardware=Hardware(accelerator, devices, nodes, precision),
    )
    show = rank_zero_only(plain().print)  # on several devices, each runs this command
    show(f"Trained: {folder}. Try it: leafwise segment PHOTOS --model {quote(str(folder))}")


def _split(pairs: "list[Pair]", settings: "RunSettings", split: Path | None, *, by_group: bool) -> "Split":
    """What trains and what validates: as written down in a file, or drawn."""
    from leafwise.datasets import Split, make_holdout, read_folds

    if split is not None:
        return read_folds(split, pairs).splits[0]
    share = settings.training.validation_share
    if share == 0:
        return Split(tuple(pairs), ())
    return make_holdout(pairs, fraction=share, seed=settings.training.seed, by_group=by_group).splits[0]
