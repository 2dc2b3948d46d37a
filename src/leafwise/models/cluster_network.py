"""Running a model's ClusterNet through onnxruntime, in the main process or in those of a pool."""

import multiprocessing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from leafwise.errors import ModelError
from leafwise.models.session import open_session, output_names

CLUSTER_NET_NAME = "clusternet.onnx"
MULTIPLE = 16  # of what the network's sides must be: it halves them four times
CHUNK = 1 << 18  # pixels through the network at a time: bounds the memory of many segments


@dataclass(frozen=True)
class ClusterNetwork:
    """ClusterNet in a file (paper, sections 3.4 and 4.4). It pickles as a path; each process opens it once."""

    path: Path

    def masks(self, likelihood: NDArray[np.float32]) -> NDArray[np.float32]:
        """Likelihood images float32 (n, h, w) -> probability of each segment's mask, float32 (n, h, w) in [0, 1].

        Raises ModelError where the file is missing or damaged, without segments (n = 0) too.
        """
        session = _session_of(self.path)
        n_segments, height, width = likelihood.shape
        masks = np.empty_like(likelihood)
        step = max(CHUNK // (height * width), 1)
        for start in range(0, n_segments, step):
            part = slice(start, start + step)
            margins = ((0, 0), (0, -height % MULTIPLE), (0, -width % MULTIPLE))
            padded = np.pad(likelihood[part], margins, mode="edge")
            (found,) = session.run(None, {"likelihood": padded[:, None]})
            masks[part] = found[:, :height, :width]
        return masks


def _session_of(path: Path) -> onnxruntime.InferenceSession:
    try:
        state = path.stat()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); copy the whole folder again") from error
    return _open(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4)
def _open(path: Path, modified_ns: int, size: int) -> onnxruntime.InferenceSession:
    """The session of a file; its time and size tell a file from the one that had its name before."""
    in_pool = multiprocessing.parent_process() is not None  # whose processes have one core each
    session = open_session(path, threads=1 if in_pool else 0)
    if output_names(session) != ["masks"]:
        raise ModelError(
            f"{path}: its outputs are {', '.join(output_names(session))}, not masks: no ClusterNet; "
            "copy the whole folder again"
        )
    return session
