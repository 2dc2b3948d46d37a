"""The networks: encoder, decoders, embedding net, ClusterNet, and their export to ONNX."""

from leafwise.nets.cluster_net import ClusterNet
from leafwise.nets.decoders import LightDecoder, PaperDecoder
from leafwise.nets.embedding_net import EmbeddingNet, Outputs
from leafwise.nets.encoder import make_encoder
from leafwise.nets.export import export_cluster_net, export_onnx, load_weights, save_weights

__all__ = [
    "ClusterNet",
    "EmbeddingNet",
    "LightDecoder",
    "Outputs",
    "PaperDecoder",
    "export_cluster_net",
    "export_onnx",
    "load_weights",
    "make_encoder",
    "save_weights",
]
