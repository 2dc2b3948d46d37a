"""The training half is an extra: without it, one line says how to get it."""

from importlib.util import find_spec

from leafwise.errors import missing_extra

TRAINING = ("torch", "torchvision", "timm", "lightning", "onnx", "onnxscript", "safetensors")


def require_training() -> None:
    """Raise LeafwiseError where the extra `train` is not installed."""
    missing = [name for name in TRAINING if find_spec(name) is None]
    if missing:
        raise missing_extra(f"training needs {', '.join(missing)}", "train")
