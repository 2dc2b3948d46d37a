"""run.toml: what a batch was made with, enough to make it again."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

import leafwise
from leafwise.batch.records import UNFINISHED, digest_of, expire_records, read_records, remove_results
from leafwise.config import SegmentSettings, from_dict, read_toml, to_dict
from leafwise.errors import ImageError, OutputError, SettingsError
from leafwise.imaging import find_images, write_text
from leafwise.models import CLUSTER_NET_NAME, EMBEDDING_NAME, reference_to
from leafwise.segmenter import Segmenter

RUN_NAME = "run.toml"


@dataclass(frozen=True)
class Run:
    """What a run.toml says."""

    model: str  # a shipped one's name, or the path of its folder
    settings: SegmentSettings
    photos: list[Path]


def write_run(out: Path, photos: Sequence[Path], segmenter: Segmenter, *, overwrite: bool) -> None:
    """Write run.toml, after a look at the one that is there.

    Raises OutputError where that one is of another model or other settings, unless `overwrite`: then its
    results are removed, and no photo may be left out that was done.
    """
    folder = segmenter.model.folder
    model = {
        "name": segmenter.model.card.name,
        "path": reference_to(folder),
        "digest": digest_of(folder / EMBEDDING_NAME),
    }
    if "cluster_net" in segmenter.settings.pipeline.refinements:
        model["cluster_net_digest"] = digest_of(folder / CLUSTER_NET_NAME)
    settings = to_dict(segmenter.settings)
    path = out / RUN_NAME
    named: list[str] = []
    if path.is_file():
        before = _tables_of(path)
        theirs = before["model"]
        same = all(theirs.get(key) == model.get(key) for key in ("digest", "cluster_net_digest"))
        if same and {section: before.get(section) for section in settings} == settings:
            named = before["photos"]
        elif overwrite:
            _refuse_leftovers(out, photos)
            names = list(read_records(out))
            expire_records(out, names)
            remove_results(out, names)
        else:
            raise OutputError(
                f"{out}: holds the results of another model or other settings; "
                "name another folder, or add --overwrite to do its photos again"
            )
    named = [*named, *(str(photo.resolve()) for photo in photos)]
    run = {
        "leafwise_version": leafwise.__version__,
        "photos": list(dict.fromkeys(named)),  # those of earlier commands first
        "model": model,
        **settings,
    }
    write_text(path, tomli_w.dumps(run))


def _refuse_leftovers(out: Path, photos: Sequence[Path]) -> None:
    """Raise OutputError where results would stay beside those of another model or other settings."""
    again = {str(photo.resolve()) for photo in photos}
    left = [
        record
        for record in read_records(out).values()
        if record.digest != UNFINISHED and record.source not in again
    ]
    if left:
        raise OutputError(
            f"{out}: {left[0].name} (and {len(left) - 1} more) would stay as another model or other settings have "
            "it; name all photos, or another folder"
        )


def _tables_of(path: Path) -> dict[str, Any]:
    try:
        tables = read_toml(path)
    except SettingsError:
        tables = {}
    if not isinstance(tables.get("model"), dict) or not isinstance(tables.get("photos"), list):
        raise OutputError(f"{path}: is not of leafwise segment; name another output folder")
    return tables


def settings_of_run(path: Path) -> Run:
    """Read a run.toml. Raises SettingsError where it is none."""
    tables = read_toml(path)
    sections = to_dict(SegmentSettings())
    kept = {name: table for name, table in tables.items() if name in sections}
    try:
        model, photos = str(tables["model"]["path"]), [Path(photo) for photo in tables["photos"]]
    except (KeyError, TypeError) as error:
        raise SettingsError(
            f"{path}: not the run.toml of a segmentation, it names no model and photos"
        ) from error
    return Run(model, from_dict(SegmentSettings, kept, where=str(path)), photos)


def photos_to_segment(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """The photos that paths name, none twice, and a line for each path that names none.

    Raises ImageError where there is no photo at all.
    """
    found: dict[Path, Path] = {}
    missing = []
    for path in paths:
        try:
            for photo in find_images([path]):
                found.setdefault(photo.resolve(), photo)
        except ImageError as error:
            missing.append(str(error))
    if not found:
        raise ImageError("; ".join(missing) or "no photos named; give photos or folders of photos")
    return list(found.values()), missing
