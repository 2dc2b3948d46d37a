"""`leafwise explain`: one photo in, a picture of every step out."""

from pathlib import Path
from typing import Annotated

import typer

from leafwise.cli.console import plain
from leafwise.cli.segmenters import segmenter_of


def explain(
    photo: Annotated[Path, typer.Argument(help="One photo.")],
    out: Annotated[Path, typer.Option(help="Folder of the pictures; made if it is not there.")] = Path(
        "explained"
    ),
    model: Annotated[
        str | None, typer.Option(help="A shipped model's name, or a model folder.", show_default="rosette")
    ] = None,
    pipeline: Annotated[
        str | None,
        typer.Option(
            metavar="STEPS",
            help="A clustering (seeded, hdbscan, mean_shift, ...), then any of mrf, cluster_net, joined by +.",
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change a setting of the model; repeatable."),
    ] = None,
    one_plant: Annotated[
        bool, typer.Option("--one-plant", help="Everything in a photo is one plant, touching or not.")
    ] = False,
) -> None:
    """Show how the leaves of one photo are found: a picture for every step of the pipeline.

    The plants' squares, what the network sees and says of each, the labels after every step, ClusterNet's likelihood
    images and masks where it takes part, and the leaves on the photo, just as `leafwise segment` draws them. Look at
    OUT/explain.png first: it has the main steps side by side.

    \b
    Examples:
      leafwise explain plant.jpg
      leafwise explain plant.jpg --out steps --pipeline hdbscan+mrf
      leafwise explain plant.jpg --model runs/mine/model --pipeline seeded+mrf
      leafwise explain plant.jpg --set clustering.min_cluster_size=40
    """
    # heavy: not for --help
    from leafwise.batch import explain_photo
    from leafwise.segmenter import DEFAULT_MODEL

    segmenter = segmenter_of(model or DEFAULT_MODEL, None, set_=set_, pipeline=pipeline, one_plant=one_plant)
    pictures = explain_photo(photo, out, segmenter)
    width = max(len(str(out / picture.name)) for picture in pictures)
    for picture in pictures:
        plain().print(f"{out / picture.name!s:<{width}}  {picture.shows}")
