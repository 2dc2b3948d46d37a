"""`leafwise segment` from the shell: start-up, first files, time and memory of batches, beside the networks alone."""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from benchmarks.machine import matrix_rate
from benchmarks.material import Material, segmenter_of
from benchmarks.networks import networks_alone
from benchmarks.processes import Finished, leafwise_command, run_command
from benchmarks.rows import Result, Row
from benchmarks.timing import shortest

STARTS = 3  # the shortest of so many
BATCH, QUICK_BATCH = 100, 8  # photos of the largest batch


def run(material: Material) -> Iterator[Result]:
    """Start-up, then batches of more and more photos; the largest beside its networks and their arithmetic."""
    (help_seconds,) = shortest([lambda: run_command([leafwise_command(), "--help"])], repeats=STARTS)
    yield Row("segment", "leafwise --help", help_seconds)
    yield _first_files(material)
    most = min(QUICK_BATCH if material.quick else BATCH, len(material.samples))
    for count in (10, most) if most > 10 else (most,):
        photos = material.photos(count)
        batch = segment_command(material, photos, f"batch{count}")
        extras = _memory(batch) | {"photos": count, "photos_per_s": count / batch.seconds}
        seconds, case = batch.seconds / count, f"a photo in a batch of {count}"
        if count == most:
            yield from _beside_networks(material, photos, seconds, case, extras)
        else:
            alone = segment_command(material, photos, f"alone{count}", "--workers", "1")
            yield Row("segment", case, seconds, "--workers 1", alone.seconds / count, extras=extras)


def segment_command(material: Material, photos: Sequence[Path], name: str, *options: str) -> Finished:
    """`leafwise segment` on photos into a folder of the scratch space."""
    out = material.scratch / name
    command = [leafwise_command(), "segment", "--model", material.model, "--out", str(out), *options]
    return run_command(
        [*command, *map(str, photos)],
        is_there=lambda: any((out / ".leafwise").glob("*.json")),  # the record, a photo's last file
    )


def _first_files(material: Material) -> Row:
    tries = [segment_command(material, material.photos(1), f"first{number}") for number in range(STARTS)]
    best = min(tries, key=lambda one: one.first_seconds or one.seconds)
    extras = _memory(best) | {"photos": 1, "whole_command_s": best.seconds}
    return Row(
        "segment", "shell to the first photo's files", best.first_seconds or best.seconds, extras=extras
    )


def _beside_networks(
    material: Material,
    photos: Sequence[Path],
    seconds: float,
    case: str,
    extras: dict[str, float | int | str],
) -> Iterator[Result]:
    nets = networks_alone(
        photos,
        segmenter_of(material.model),
        material.scratch / "networks",
        count_flops=find_spec("onnx") is not None,
    )
    networks = nets.seconds / len(photos)
    yield Row("segment", case, seconds, "its networks alone", networks, is_floor=True, extras=extras)
    if nets.flops is None or nets.encoder_flops is None:
        return
    rate = matrix_rate()
    floors = {"its networks' arithmetic": nets.flops, "its encoder's arithmetic": nets.encoder_flops}
    for name, flops in floors.items():
        floor = flops / len(photos) / rate
        gflop: dict[str, float | int | str] = {"gflop": flops / len(photos) / 1e9}
        yield Row("segment", case, seconds, name, floor, is_floor=True, extras=gflop)
        yield Row("segment", "its networks alone", networks, name, floor, is_floor=True, extras=gflop)


def _memory(batch: Finished) -> dict[str, float | int | str]:
    return {} if batch.peak_mb is None else {"peak_mb": batch.peak_mb}
