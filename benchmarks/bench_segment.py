"""How fast `leafwise segment` is, from the shell: start-up, first files, seconds and memory a photo.

python benchmarks/bench_segment.py                         # 40 synthetic plants
python benchmarks/bench_segment.py PHOTOS [--model MODEL]  # your own
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from leafwise.batch import photos_to_segment


def timed(*command: str) -> tuple[float, float]:
    """Seconds and peak memory in MB (of the largest process) of a command."""
    script = (
        "import resource, subprocess, sys; code = subprocess.run(sys.argv[1:], capture_output=True).returncode;"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(code)"
    )
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script, *command], capture_output=True, text=True, check=True
    )
    return time.perf_counter() - start, int(done.stdout) * (1 if sys.platform == "darwin" else 1024) / 1e6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", nargs="?", type=Path)
    parser.add_argument("--model", default="rosette")
    arguments = parser.parse_args()
    leafwise = str(Path(sys.executable).with_name("leafwise"))
    with tempfile.TemporaryDirectory() as folder:
        photos = arguments.photos
        if photos is None:
            timed(leafwise, "synth", "--out", folder, "--count", "40")
            photos = Path(folder) / "images"
        names, _ = photos_to_segment([photos])
        segment = (leafwise, "segment", "--model", arguments.model, "--out")
        print(f"leafwise --help                     {timed(leafwise, '--help')[0]:6.2f} s")
        seconds, memory = timed(*segment, f"{folder}/first", str(names[0]))
        print(f"shell to the first photo's files    {seconds:6.2f} s    peak {memory:5.0f} MB")
        pool, memory = timed(*segment, f"{folder}/pool", str(photos))
        print(
            f"{len(names)} photos, a process a core: {pool / len(names):6.2f} s a photo, peak {memory:5.0f} MB"
        )
        alone, memory = timed(*segment, f"{folder}/alone", "--workers", "1", str(photos))
        print(
            f"{len(names)} photos, --workers 1:      {alone / len(names):6.2f} s a photo, peak {memory:5.0f} MB"
        )
        print(f"the pool of processes is {alone / pool:.2f} times as fast as one process")


if __name__ == "__main__":
    main()
