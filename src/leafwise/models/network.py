"""Running a model's network through onnxruntime."""

from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from leafwise.errors import ModelError
from leafwise.models.card import ModelCard, read_card
from leafwise.models.cluster_network import CLUSTER_NET_NAME, ClusterNetwork
from leafwise.models.folder import find_model
from leafwise.models.session import open_session, output_names

EMBEDDING_NAME = "embedding.onnx"


class Embedded(NamedTuple):
    """What a network says of a batch, on its own grid (`card.stride` input pixels apart)."""

    embeddings: NDArray[np.float32]  # (B, D, h, w)
    foreground: NDArray[np.float32] | None  # (B, h, w), probability in [0, 1]; None without such a head


class Model:
    """A model folder, ready to run."""

    def __init__(self, folder: Path, card: ModelCard, session: onnxruntime.InferenceSession) -> None:
        self.folder = folder
        self.card = card
        self._session = session

    @classmethod
    def load(cls, folder: Path, *, threads: int = 0) -> Self:
        """Load a folder; `threads` for the network, 0 for one a core. Raises ModelError where it is damaged."""
        card = read_card(folder)
        path = folder / EMBEDDING_NAME
        if not path.is_file():
            raise ModelError(f"{folder}: the model has no {EMBEDDING_NAME}; copy the whole folder again")
        session = open_session(path, threads=threads)
        outputs = output_names(session)
        if outputs != ["embeddings"] + ["foreground"] * card.net.foreground_head:
            raise ModelError(
                f"{path}: its outputs are {', '.join(outputs)}, not those that its card speaks of"
            )
        return cls(folder, card, session)

    @property
    def cluster_network(self) -> ClusterNetwork | None:
        """The model's ClusterNet; None where the folder has none."""
        path = self.folder / CLUSTER_NET_NAME
        return ClusterNetwork(path) if path.exists() else None

    def embed(self, images: NDArray[np.uint8]) -> Embedded:
        """uint8 RGB (B, h, w, 3), h and w multiples of 32 -> Embedded."""
        mean, std = (np.float32(255) * np.asarray(x, np.float32) for x in (self.card.mean, self.card.std))
        pixels = ((images - mean) / std).transpose(0, 3, 1, 2)
        outputs = self._session.run(None, {"images": np.ascontiguousarray(pixels, np.float32)})
        return Embedded(outputs[0], outputs[1] if len(outputs) > 1 else None)


def load_model(name_or_path: str | Path, *, threads: int = 0) -> Model:
    """A model by the name of a shipped one or by path. Raises ModelError where there is none."""
    return Model.load(find_model(name_or_path), threads=threads)
