"""The stages, by name, in the order in which they run: `(material) -> rows and notes, as they come`."""

from benchmarks.rows import Stage
from benchmarks.stages import (
    cluster_net,
    clustering,
    growth,
    inference,
    losses,
    metrics,
    mosaic,
    mrf,
    peers,
    segment,
    size,
    training,
)

STAGES: dict[str, Stage] = {
    "segment": segment.run,
    "size": size.run,
    "mosaic": mosaic.run,
    "inference": inference.run,
    "clustering": clustering.run,
    "mrf": mrf.run,
    "cluster_net": cluster_net.run,
    "losses": losses.run,
    "training": training.run,
    "metrics": metrics.run,
    "growth": growth.run,
    "peers": peers.run,
}
