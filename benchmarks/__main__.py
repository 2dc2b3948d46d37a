"""Measure leafwise on this machine, each stage beside a named alternative in the same run.

python -m benchmarks --json results.json                     # synthetic plants; about 10 minutes on two cores
python -m benchmarks --quick                                 # under 2 minutes
python -m benchmarks --photos CVPPP2017/A1 --json results.json --page docs/performance.md
python -m benchmarks --only clustering,mrf --photos CVPPP2017/A1 --count 108
"""

import argparse
import json
import shlex
import sys
import traceback
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from rich.console import Console

from benchmarks.machine import machine_facts
from benchmarks.material import Material, make_material
from benchmarks.plots import draw_plots
from benchmarks.rows import Note, Result, Row, Unavailable
from benchmarks.stages import STAGES
from benchmarks.tables import markdown_of, print_stage, put_between_markers
from leafwise.errors import LeafwiseError
from leafwise.segmenter import DEFAULT_MODEL


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stages that are asked for; 1 where one of them failed."""
    asked = _parser().parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 160)
    try:
        names = _stages(asked)
    except ValueError as error:
        console.print(str(error), markup=False)
        return 2
    if asked.page and not find_spec("matplotlib"):
        console.print("--page draws with matplotlib; install the extra: pip install '.[dev]'", markup=False)
        return 2
    if asked.page and not asked.page.is_file():
        console.print(f"--page {asked.page}: no such page to put the tables into", markup=False)
        return 2
    machine = machine_facts()
    command = "python -m benchmarks " + shlex.join(sys.argv[1:] if arguments is None else arguments)
    console.print(f"{machine['processor']}, {machine['cores']} cores, {machine['date']}", markup=False)
    console.print(f"GFLOP/s on all cores: {machine['gflops']}", markup=False)
    results: list[Result] = []
    failed = False
    with TemporaryDirectory() as scratch:
        try:
            material = _material(asked, Path(scratch))
        except LeafwiseError as error:
            console.print(str(error), markup=False)
            return 1
        for name in names:
            start = perf_counter()
            found, went_well = run_stage(name, material)
            failed |= not went_well
            results += found
            print_stage(name, found, console)
            console.print(f"{name}: {perf_counter() - start:.0f} s\n", markup=False)
            if asked.json:
                _write_json(asked.json, machine, command, results)
    if asked.page:
        plots = draw_plots(results, asked.page.parent / "images")
        beside = [f"images/{plot.name}" for plot in plots]
        put_between_markers(asked.page, markdown_of(machine, command.strip(), results, beside))
    return int(failed)


def run_stage(name: str, material: Material) -> tuple[list[Result], bool]:
    """What a stage measured until its end, or until it failed; and whether it went well."""
    found: list[Result] = []
    try:
        found.extend(STAGES[name](material))
    except Unavailable as error:
        return [*found, Note(name, f"{name}: {error}")], True
    except Exception as error:  # noqa: BLE001 the other stages go on
        traceback.print_exc()
        return [*found, Note(name, f"{name} failed: {type(error).__name__}: {error}")], False
    return found, True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where all that is measured is stored")
    parser.add_argument(
        "--page", type=Path, metavar="FILE", help="a Markdown page: tables go between its markers"
    )
    parser.add_argument(
        "--quick", action="store_true", help="fewer sizes, photos and repeats; no HDBSCAN on all pixels"
    )
    parser.add_argument("--only", default="", metavar="STAGE[,STAGE]", help=f"of {', '.join(STAGES)}")
    parser.add_argument(
        "--photos", type=Path, metavar="FOLDER", help="photos with label maps; else plants are drawn"
    )
    parser.add_argument("--model", default=DEFAULT_MODEL, help="a shipped model's name or a model folder")
    parser.add_argument("--count", type=int, help="photos that are scored (12, or 3 with --quick)")
    parser.add_argument(
        "--crossval",
        type=Path,
        metavar="FOLDER",
        help="of `leafwise crossval`: the clusterings are scored on photos that their fold's model never saw",
    )
    parser.add_argument(
        "--peers", action="store_true", help="networks of other tools too, where they are installed"
    )
    return parser


def _stages(asked: argparse.Namespace) -> list[str]:
    names = [name.strip() for name in asked.only.split(",") if name.strip()]
    unknown = [name for name in names if name not in STAGES]
    if unknown:
        raise ValueError(f"--only {','.join(unknown)}: no such stage; there are {', '.join(STAGES)}")
    return names or [name for name in STAGES if name != "peers" or asked.peers]


def _material(asked: argparse.Namespace, scratch: Path) -> Material:
    return make_material(
        scratch,
        photos=asked.photos,
        model=asked.model,
        quick=asked.quick,
        count=asked.count,
        crossval=asked.crossval,
    )


def _write_json(path: Path, machine: dict[str, Any], command: str, results: Sequence[Result]) -> None:
    content = {
        "command": command,
        "machine": machine,
        "rows": [result.to_dict() for result in results if isinstance(result, Row)],
        "notes": [vars(result) for result in results if isinstance(result, Note)],
    }
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
