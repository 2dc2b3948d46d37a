"""Everything after the networks for one photo: leaves, traits, pictures, files. Runs in the pool."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leafwise.batch.records import Record, claim_name, remove_file, rows_of, write_record
from leafwise.config import SegmentSettings
from leafwise.imaging import as_seen, write_image, write_labels
from leafwise.models import ClusterNetwork
from leafwise.plots import draw_overlay
from leafwise.segmenter import SeenPlant, find_leaves
from leafwise.traits import measure_leaves, measure_plants


@dataclass(frozen=True)
class Job:
    """A photo that the networks have seen."""

    name: str
    source: Path
    digest: str
    image: NDArray[np.uint8]  # (H, W, 3)
    seen: Iterable[SeenPlant]


def finish_photo(
    job: Job, out: Path, settings: SegmentSettings, network: ClusterNetwork | None = None
) -> Record:
    """Find a photo's leaves, measure and draw them, and write it all; the record comes last.

    Raises OutputError where a file cannot be written.
    """
    height, width = job.image.shape[:2]
    segmentation = find_leaves(job.seen, height, width, settings, network)
    labels = segmentation.labels
    leaves = measure_leaves(job.image, labels)
    if len(leaves):
        leaves.insert(0, "plant", segmentation.plants[leaves["leaf"].to_numpy()])
    plants = measure_plants(labels, segmentation.plants)
    claim_name(out, job.name, job.source)
    record = Record(job.name, str(job.source.resolve()), job.digest, rows_of(leaves), rows_of(plants))
    written = write_labels(out / f"{job.name}_label.png", labels)
    other = ".tif" if written.suffix == ".png" else ".png"
    remove_file(written.with_suffix(other))  # of an earlier run that found far more leaves, or fewer
    overlay = draw_overlay(as_seen(job.image, settings.looks), labels)
    write_image(out / f"{job.name}_overlay.png", overlay)
    write_record(out, record)
    return record
