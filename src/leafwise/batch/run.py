"""run.toml: what a batch was made with, enough to make it again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import tomli_w

import leafwise
from leafwise.batch.records import (
    UNFINISHED,
    expire_records,
    has_content,
    read_entries,
    remove_results,
)
from leafwise.config import SegmentSettings, from_dict, read_toml, to_dict
from leafwise.errors import ImageError, ModelError, OutputError, SettingsError
from leafwise.imaging import digest_of, find_images, write_text
from leafwise.models import CLUSTER_NET_NAME, EMBEDDING_NAME, reference_to
from leafwise.segmenter import Segmenter

RUN_NAME = "run.toml"


@dataclass(frozen=True)
class Run:
    """What a run.toml says."""

    model: str  # a shipped one's name, or the path of its folder
    settings: SegmentSettings
    photos: list[Path]
    digests: dict[str, str]  # of the networks that it was made with


def write_run(
    out: Path,
    photos: Sequence[Path],
    segmenter: Segmenter,
    *,
    overwrite: bool,
    moved: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write run.toml, after a look at the one that is there; `moved` has new paths of its photos by their old ones.

    Raises OutputError where that one is of another model, other settings or another version of leafwise, unless
    `overwrite`: then its results are removed, and no photo may be left out that was done. So, too, where photos are
    done and run.toml is empty, as a power cut may leave it, or gone: nothing says of what their results are.
    """
    folder = segmenter.model.folder
    digests = _digests_of(folder, segmenter.settings)
    model = {"name": segmenter.model.card.name, "path": reference_to(folder), **digests}
    settings = to_dict(segmenter.settings)
    path = out / RUN_NAME
    before = _tables_of(path) if has_content(path) else None
    other = _difference(path, before, digests, segmenter.settings)
    if other and not overwrite:
        raise OutputError(
            f"{out}: holds the results of {other}; "
            "name another folder, or add --overwrite to do its photos again"
        )
    if other:
        _refuse_leftovers(out, photos, moved)
        entries = read_entries(out)
        expire_records(out, entries.values())
        remove_results(out, entries)
    earlier = before["photos"] if before and not other else []
    named = [*(moved.get(photo, photo) for photo in earlier), *(str(photo.resolve()) for photo in photos)]
    run = {
        "leafwise_version": leafwise.__version__,
        "photos": list(dict.fromkeys(named)),  # those of earlier commands first
        "model": model,
        **settings,
    }
    write_text(path, tomli_w.dumps(run))


def _difference(
    path: Path, before: dict[str, Any] | None, digests: dict[str, str], settings: SegmentSettings
) -> str:
    """What the results beside a run.toml are of that this run's would not be, in words; empty where there is nothing.

    `before` is what the run.toml says, None where it says nothing.
    """
    if before is None:
        is_done = any(entry.digest != UNFINISHED for entry in read_entries(path.parent).values())
        return f"a run of which nothing is known, as {RUN_NAME} is empty or gone" if is_done else ""
    if _digests_in(before["model"]) != digests or not _has_settings(path, before, settings):
        return "another model or other settings"
    version = before.get("leafwise_version", "unknown")
    if version != leafwise.__version__:
        return f"another version of leafwise ({version}, this is {leafwise.__version__})"
    return ""


def _settings_in(path: Path, tables: dict[str, Any]) -> SegmentSettings:
    """The settings in a run.toml; those that it has not are the defaults. Raises SettingsError where they cannot be."""
    sections = to_dict(SegmentSettings())
    kept = {name: table for name, table in tables.items() if name in sections}
    return from_dict(SegmentSettings, kept, where=str(path))


def _has_settings(path: Path, tables: dict[str, Any], settings: SegmentSettings) -> bool:
    try:
        return _settings_in(path, tables) == settings
    except SettingsError:
        return False  # of another version


def _digests_of(folder: Path, settings: SegmentSettings) -> dict[str, str]:
    """The digests of the networks of a model folder that a pipeline needs."""
    names = {"digest": EMBEDDING_NAME}
    if "cluster_net" in settings.pipeline.refinements:
        names["cluster_net_digest"] = CLUSTER_NET_NAME
    return {key: digest_of(folder / name) for key, name in names.items() if (folder / name).is_file()}


def _digests_in(table: dict[str, Any]) -> dict[str, str]:
    """Those that a run.toml's table of the model has."""
    return {key: str(table[key]) for key in ("digest", "cluster_net_digest") if key in table}


def _refuse_leftovers(out: Path, photos: Sequence[Path], moved: Mapping[str, str]) -> None:
    """Raise OutputError where results would stay beside those of another model, other settings or version."""
    again = {str(photo.resolve()) for photo in photos}
    left = [
        entry
        for entry in read_entries(out).values()
        if entry.digest != UNFINISHED and moved.get(entry.source, entry.source) not in again
    ]
    if left:
        raise OutputError(
            f"{out}: {left[0].name} (and {len(left) - 1} more) would stay as another model, other settings or "
            "another version have it; name all photos, or another folder"
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
    try:
        model, photos = str(tables["model"]["path"]), [Path(photo) for photo in tables["photos"]]
        digests = _digests_in(tables["model"])
    except (KeyError, TypeError) as error:
        raise SettingsError(
            f"{path}: not the run.toml of a segmentation, it names no model and photos"
        ) from error
    return Run(model, _settings_in(path, tables), photos, digests)


def check_same_model(path: Path, run: Run, segmenter: Segmenter) -> None:
    """Raise ModelError where the run.toml at `path` was made with other weights than the segmenter's."""
    folder = segmenter.model.folder
    digests = _digests_of(folder, segmenter.settings)
    if any(run.digests.get(key, digest) != digest for key, digest in digests.items()):
        raise ModelError(
            f"{folder}: has other weights now than when {path} was made, and would find other leaves; "
            "to use it all the same, name it with --model"
        )


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
