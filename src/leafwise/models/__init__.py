"""Models: a folder of ONNX, safetensors and a TOML card, run by onnxruntime."""

from leafwise.models.card import ModelCard, read_card, write_card
from leafwise.models.cluster_network import CLUSTER_NET_NAME, ClusterNetwork
from leafwise.models.folder import find_model, reference_to, shipped_models
from leafwise.models.network import EMBEDDING_NAME, Model, load_model

__all__ = [
    "CLUSTER_NET_NAME",
    "EMBEDDING_NAME",
    "ClusterNetwork",
    "Model",
    "ModelCard",
    "find_model",
    "load_model",
    "read_card",
    "reference_to",
    "shipped_models",
    "write_card",
]
