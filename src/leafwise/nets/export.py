"""From a trained network to the files of a model folder, and back to train on."""

import contextlib
import io
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from leafwise.errors import ModelError
from leafwise.imaging import atomic_path
from leafwise.nets.cluster_net import ClusterNet
from leafwise.nets.embedding_net import EmbeddingNet

LARGE = 1024  # numbers; smaller weights stay in float32


class _ForInference(nn.Module):
    """Plain tensors out, the foreground as a probability, as `models.Model` reads them."""

    def __init__(self, net: EmbeddingNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        outputs = self.net(images)
        if outputs.foreground is None:
            return (outputs.embeddings,)
        return outputs.embeddings, outputs.foreground.sigmoid()


def export_onnx(net: EmbeddingNet, path: Path, *, input_size: int) -> None:
    """Write a network as ONNX: images (B, 3, h, w) -> embeddings (B, D, h', w'), foreground (B, h', w').

    Batch, height and width stay free (multiples of 32). `net` is left on the CPU, in evaluation mode.

    Raises OutputError where the file cannot be written.
    """
    outputs = ["embeddings"] + ["foreground"] * (net.foreground_head is not None)
    images = torch.zeros(2, 3, input_size, input_size)
    _export(_ForInference(net), images, path, input_name="images", output_names=outputs)


def export_cluster_net(net: ClusterNet, path: Path) -> None:
    """Write ClusterNet as ONNX: likelihood float32 (n, 1, h, w) -> masks float32 (n, h, w), probability in [0, 1].

    Batch, height and width stay free (multiples of 16). `net` is left on the CPU, in evaluation mode.

    Raises OutputError where the file cannot be written.
    """
    likelihood = torch.zeros(2, 1, 64, 64)
    _export(
        nn.Sequential(net, nn.Sigmoid()), likelihood, path, input_name="likelihood", output_names=["masks"]
    )


def _export(
    net: nn.Module, example: Tensor, path: Path, *, input_name: str, output_names: Sequence[str]
) -> None:
    """Write a network of one input like `example` (B, C, h, w), of which B, h and w stay free."""
    free = torch.export.Dim.DYNAMIC
    # the exporter prints its progress and warns of its own parts
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger = logging.getLogger("torch.onnx")
        level = logger.level
        logger.setLevel(logging.ERROR)
        try:
            program = torch.onnx.export(
                net.cpu().eval(),
                (example,),
                dynamo=True,
                input_names=[input_name],
                output_names=output_names,
                dynamic_shapes=({0: free, 2: free, 3: free},),
                verbose=False,
            )
        finally:
            logger.setLevel(level)
    model = _with_half_weights(_without_traces(program.model_proto))  # type: ignore[union-attr]
    with atomic_path(path) as temporary:
        temporary.write_bytes(model.SerializeToString())


def _without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network without the exporter's notes: they hold paths of the machine that it was trained on."""
    graph = model.graph
    for part in (
        model,
        graph,
        *graph.node,
        *graph.input,
        *graph.output,
        *graph.value_info,
        *graph.initializer,
    ):
        del part.metadata_props[:]
        part.doc_string = ""
    return model


def _with_half_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network with its large weights in float16, half the file; a runtime expands them when it loads them."""
    graph = model.graph
    casts = []
    for weights in [one for one in graph.initializer if one.data_type == onnx.TensorProto.FLOAT]:
        values = onnx.numpy_helper.to_array(weights)
        if values.size >= LARGE and np.abs(values).max() < np.finfo(np.float16).max:
            half = onnx.numpy_helper.from_array(values.astype(np.float16), f"{weights.name}_half")
            casts.append(
                onnx.helper.make_node("Cast", [half.name], [weights.name], to=onnx.TensorProto.FLOAT)
            )
            weights.CopyFrom(half)
    nodes = [*casts, *graph.node]  # a node comes after those that it needs
    del graph.node[:]
    graph.node.extend(nodes)
    return model


def save_weights(net: nn.Module, path: Path) -> None:
    """Write a network's parameters and statistics as safetensors. Raises OutputError where that fails."""
    state = {name: value.detach().cpu().contiguous() for name, value in net.state_dict().items()}
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(state))  # save_file would leave it readable by its owner alone


def load_weights(net: nn.Module, path: Path) -> None:
    """Fill a network from `save_weights`'s file. Raises ModelError where they do not fit."""
    try:
        net.load_state_dict(load_file(path))
    except (SafetensorError, OSError, RuntimeError) as error:
        raise ModelError(
            f"{path}: not weights of this network ({str(error).splitlines()[0]}); train with the net "
            "settings of the model that you start from"
        ) from error
