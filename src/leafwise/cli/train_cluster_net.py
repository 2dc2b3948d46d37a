"""`leafwise train-cluster-net`: a model and photos in, the model with a ClusterNet out."""

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from leafwise.cli.console import plain


def train_cluster_net(
    datasets: Annotated[
        list[Path], typer.Argument(help="CVPPP folders, or folders with images/ and labels/.")
    ],
    model: Annotated[
        str, typer.Option(help="Whose segments it refines: a model folder, or a shipped model's name.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the run: model, logs, checkpoints.")],
    config: Annotated[Path | None, typer.Option(help="A TOML file of settings.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change one setting; repeatable."),
    ] = None,
    split: Annotated[
        Path | None,
        typer.Option(
            help="A folds.json: the validation photos of its first split train ClusterNet, the others not."
        ),
    ] = None,
    crossval: Annotated[
        Path | None,
        typer.Option(
            help="A folder of `leafwise crossval`: each trained fold's photos, as its own model shows them."
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that is in OUT.")] = False,
    accelerator: Annotated[str, typer.Option(help="Lightning's: auto, cpu, cuda, mps.")] = "auto",
    precision: Annotated[
        str, typer.Option(help="Lightning's; auto is bfloat16 where the processor computes in it.")
    ] = "auto",
) -> None:
    """Train a ClusterNet, which turns each segment's likelihood image into its mask.

    OUT/model is the model with the ClusterNet in it and in its pipeline. Best on photos that the model was not trained
    on, for on those its embeddings are better than they will be: the split.json of the model's own run, as --split,
    names some; --crossval takes them all, each as the model of its fold shows it, which never saw it.

    \b
    Examples:
      leafwise train-cluster-net CVPPP2017/A1 --model runs/a1/model --split runs/a1/split.json --out runs/a1/cluster_net
      leafwise train-cluster-net CVPPP2017/A1 --model runs/a1/model --crossval runs/cv --out runs/a1/cluster_net
      leafwise train-cluster-net mine --model rosette --out runs/mine --set cluster_net.width=16
    """
    # heavy: not for --help
    from leafwise.cli.extras import require_training

    require_training()
    from leafwise.cli.arguments import read_pairs, read_settings
    from leafwise.datasets import read_folds
    from leafwise.errors import DatasetError, SettingsError
    from leafwise.training import SETTINGS_NAME, Hardware
    from leafwise.training import train_cluster_net as train_net

    if crossval is not None and split is not None:
        raise SettingsError("--crossval and --split both say which photos to train on; give one of them")
    if resume and config is None and (out / SETTINGS_NAME).is_file():
        config = out / SETTINGS_NAME
    if strangers := [one for one in set_ or [] if not one.startswith("cluster_net.")]:
        raise SettingsError(
            f"--set {strangers[0]}: says nothing of ClusterNet; its settings are cluster_net.*"
        )
    settings = read_settings(config, set_ or []).cluster_net
    pairs = read_pairs(datasets)
    others = []
    if crossval is not None:
        folds = read_folds(crossval / "folds.json", pairs).splits
        models = [crossval / f"fold{number}" / "model" for number in range(1, len(folds) + 1)]
        others = [(one, fold.validation) for one, fold in zip(models, folds, strict=True) if one.is_dir()]
        if not others:
            raise DatasetError(f"{crossval}: has no trained fold; name a folder of `leafwise crossval`")
        pairs = []
    elif split is not None:
        pairs = list(read_folds(split, pairs).splits[0].validation)
        if not pairs:
            raise DatasetError(f"{split}: names no validation photos; give another file, or no --split")
    hardware = Hardware(accelerator, devices="1", precision=precision)
    folder = train_net(pairs, model, out, settings, others=others, resume=resume, hardware=hardware)
    plain().print(f"Trained: {folder}. Try it: leafwise segment PHOTOS --model {quote(str(folder))}")
