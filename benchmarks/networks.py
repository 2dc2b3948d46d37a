"""The time that a segmenter's networks alone take, and the arithmetic that it is, while photos go their whole way."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.arithmetic import operations
from leafwise.batch import segment_files
from leafwise.models import CLUSTER_NET_NAME, EMBEDDING_NAME, ClusterNetwork, Model
from leafwise.models.session import open_session
from leafwise.segmenter import Segmenter

WARM = 4  # photos that go first


@dataclass
class Clock:
    """What the networks have taken so far."""

    seconds: float = 0.0
    shapes: list[tuple[int, ...]] = field(default_factory=list)  # of what went in

    def flops(self, path: Path, part: str = "") -> float:
        """Floating-point operations of all that went into the network of a file; `part` as in `operations`."""
        return sum(batch * operations(path, (1, *shape), part) for batch, *shape in self.shapes)


class ClockedSession:
    """An onnxruntime session, timed."""

    def __init__(self, session: Any, clock: Clock) -> None:
        self._session, self._clock = session, clock

    def run(self, names: Any, inputs: dict[str, NDArray[np.float32]], *rest: Any) -> Any:
        """As the session's."""
        start = perf_counter()
        found = self._session.run(names, inputs, *rest)
        self._clock.seconds += perf_counter() - start
        self._clock.shapes += [array.shape for array in inputs.values()]
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


@dataclass(frozen=True)
class ClockedClusterNetwork(ClusterNetwork):
    """A model's ClusterNet, timed."""

    clock: Clock = field(default_factory=Clock)

    def masks(self, likelihood: NDArray[np.float32]) -> NDArray[np.float32]:
        """As the network's."""
        start = perf_counter()
        found = super().masks(likelihood)
        self.clock.seconds += perf_counter() - start
        self.clock.shapes.append((len(likelihood), 1, *likelihood.shape[1:]))
        return found


class ClockedModel(Model):
    """A model whose networks are timed, apart."""

    def __init__(self, model: Model) -> None:
        self.embedding, self.refining = Clock(), Clock()
        session: Any = ClockedSession(open_session(model.folder / EMBEDDING_NAME, threads=0), self.embedding)
        super().__init__(model.folder, model.card, session)

    @property
    def cluster_network(self) -> ClusterNetwork | None:
        """The model's ClusterNet, timed; None where the folder has none."""
        own = super().cluster_network
        return None if own is None else ClockedClusterNetwork(own.path, self.refining)

    def forget(self) -> None:
        """Start both clocks anew."""
        for clock in (self.embedding, self.refining):
            clock.seconds, clock.shapes = 0.0, []


@dataclass(frozen=True)
class NetworksAlone:
    """Of some photos, together."""

    seconds: float  # of the networks' sessions, with a thread a core
    flops: float | None  # of both networks; None without onnx
    encoder_flops: float | None


def networks_alone(
    photos: Sequence[Path], segmenter: Segmenter, out: Path, *, count_flops: bool
) -> NetworksAlone:
    """Take photos their whole way in this process, in the same batches as the command, and clock the networks.

    A few photos go first: what a session sets up for a new size is not the networks' time.
    """
    clocked = ClockedModel(segmenter.model)
    patient = Segmenter(clocked, segmenter.settings)
    segment_files(photos[:WARM], out / "warm", patient)
    clocked.forget()
    segment_files(photos, out / "all", patient)
    embedding, refining = clocked.embedding, clocked.refining
    seconds = embedding.seconds + refining.seconds
    if not count_flops:
        return NetworksAlone(seconds, None, None)
    path = clocked.folder / EMBEDDING_NAME
    flops = embedding.flops(path) + refining.flops(clocked.folder / CLUSTER_NET_NAME)
    return NetworksAlone(seconds, flops, embedding.flops(path, "encoder"))
