"""timm encoders with ImageNet weights from timm's hub or a local file."""

from pathlib import Path

import timm
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from leafwise.errors import ModelError


def make_encoder(name: str, weights: str) -> nn.Module:
    """A timm encoder that returns its feature maps, the largest first.

    Args:
        name: any timm model that supports `features_only`, for example `resnet101` (the paper's) or
            `mobilenetv2_100`.
        weights: "hub" for timm's pretrained weights (downloaded once), "none" for random ones, else the
            path of a .safetensors file.

    Raises ModelError for an unknown name, and for weights that cannot be had or do not fit.
    """
    try:
        encoder: nn.Module = timm.create_model(name, features_only=True, pretrained=weights == "hub")
    except RuntimeError as error:
        if "Unknown model" in str(error):
            near = timm.list_models(f"*{name[:6]}*")[:3]
            hint = f"did you mean {', '.join(near)}?" if near else "timm.list_models() names them"
            raise ModelError(f"timm has no encoder {name!r}; {hint}") from error
        raise ModelError(f"timm's encoder {name!r} cannot be used: {error}") from error
    except Exception as error:  # noqa: BLE001 the hub fails in a dozen ways, all with the same way out
        raise ModelError(
            f"the ImageNet weights of {name!r} could not be downloaded ({type(error).__name__}); check the "
            "network, or set net.encoder_weights to a local .safetensors file or to none"
        ) from error
    if weights not in ("hub", "none"):
        _load_local(encoder, Path(weights), name)
    return encoder


def _load_local(encoder: nn.Module, path: Path, name: str) -> None:
    if not path.is_file():
        raise ModelError(f"{path}: no such weights file; set net.encoder_weights to a file, hub or none")
    try:
        state = load_file(path)
        missing, unexpected = encoder.load_state_dict(state, strict=False)
    except (SafetensorError, RuntimeError) as error:
        raise ModelError(f"{path}: not weights of {name!r}: {str(error).splitlines()[0]}") from error
    missing = [key for key in missing if not key.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise ModelError(
            f"{path}: not weights of {name!r}: {len(missing)} parameters are missing, "
            f"{len(unexpected)} are unknown"
        )
