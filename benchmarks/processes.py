"""Running a command as a user does: its time, the memory of all its processes, when its first files are there."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from time import perf_counter

POLL = 0.02  # seconds between two looks for files
SAMPLE = 0.2  # seconds between two looks at the memory, which cost a few milliseconds


@dataclass(frozen=True)
class Finished:
    """A command that has ended well."""

    seconds: float
    peak_mb: float | None  # of all its processes, shared pages counted once on Linux; None on Windows
    first_seconds: float | None  # until `is_there` was true


def leafwise_command() -> str:
    """The command beside this Python."""
    return str(Path(sys.executable).with_name("leafwise"))


def run_command(command: Sequence[str], *, is_there: Callable[[], bool] = lambda: False) -> Finished:
    """Run a command to its end. Raises RuntimeError with its last words where it fails."""
    peak, first, sampled = 0.0, None, 0.0
    with TemporaryFile() as words:
        start = perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=words)
        while process.poll() is None:
            now = perf_counter() - start
            if first is None and is_there():
                first = now
            if now - sampled > SAMPLE:
                peak, sampled = max(peak, _memory_mb(process.pid)), now
            with suppress(subprocess.TimeoutExpired):
                process.wait(POLL)
        seconds = perf_counter() - start
        if process.returncode:
            words.seek(0)
            last = words.read().decode(errors="replace").strip()[-500:]
            raise RuntimeError(f"{' '.join(command)[:200]}: exit {process.returncode}: {last}")
    return Finished(seconds, peak or None, first)


def peak_of(function: Callable[[], object]) -> tuple[float, float]:
    """Seconds of a call, and the most memory in MB that this process has had until then."""
    start = perf_counter()
    function()
    seconds = perf_counter() - start
    if sys.platform.startswith("linux"):  # whose getrusage begins with the peak of the parent process
        lines = Path("/proc/self/status").read_text().splitlines()
        return seconds, next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    import resource  # not on Windows

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _memory_mb(root: int) -> float:
    """Memory of a process and all that it started, MB; 0 where the system does not tell."""
    try:
        parents = _parents()
    except (OSError, ValueError):
        return 0.0
    family = {root}
    while True:
        more = {pid for pid, (parent, _) in parents.items() if parent in family} - family
        if not more:
            break
        family |= more
    return sum(_own_mb(pid, parents[pid][1]) for pid in family if pid in parents)


def _parents() -> dict[int, tuple[int, float]]:
    """The parent of each process and its resident memory in MB."""
    listed = subprocess.run(
        ["ps", "-axo", "pid=,ppid=,rss="], capture_output=True, text=True, check=True
    ).stdout
    numbers = [[int(word) for word in line.split()] for line in listed.splitlines()]
    return {pid: (parent, rss / 1024) for pid, parent, rss in numbers}


def _own_mb(pid: int, resident_mb: float) -> float:
    """On Linux a page that several processes share counts once in their sum; elsewhere once for each."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return resident_mb if not sys.platform.startswith("linux") else 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
