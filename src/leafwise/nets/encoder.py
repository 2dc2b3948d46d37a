"""timm encoders with ImageNet weights from timm's hub or a local file."""

from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path

import timm
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn

from leafwise.errors import ModelError


def make_encoder(name: str, weights: str) -> nn.Module:
    """A timm encoder that returns its feature maps, the largest first.

    Args:
        name: any timm model that supports `features_only`, for example `resnet101` (the paper's) or
            `mobilenetv2_100`.
        weights: "hub" for timm's pretrained weights (downloaded once), "none" for random ones, else the
            path of a .safetensors file.

    Raises ModelError for an unknown name, for an encoder whose maps don't halve from step to step, and for
    weights that cannot be had or do not fit.
    """
    try:
        encoder: nn.Module = timm.create_model(name, features_only=True, pretrained=weights == "hub")
    except Exception as error:
        raise ModelError(_why_not(name, weights, error)) from error
    _check_pyramid(encoder, name)
    if weights not in ("hub", "none"):
        encoder = _load_local(encoder, Path(weights), name)
    _pad_for_even_sides(encoder)
    return encoder


def _why_not(name: str, weights: str, error: Exception) -> str:
    if "Unknown model" in str(error):
        near = get_close_matches(name, timm.list_models(), n=3)
        hint = f"did you mean {', '.join(near)}?" if near else "timm.list_models() names them"
        return f"timm has no encoder {name!r}; {hint}"
    if weights == "hub" and not isinstance(error, RuntimeError):
        return (
            f"the ImageNet weights of {name!r} could not be downloaded ({type(error).__name__}); check the "
            "network, or set net.encoder_weights to a local .safetensors file or to none"
        )
    return f"timm's encoder {name!r} cannot be used: {' '.join(str(error).split())}"


def _check_pyramid(encoder: nn.Module, name: str) -> None:
    strides = list(encoder.feature_info.reduction())  # type: ignore[operator, union-attr]
    if strides[0] not in (2, 4) or any(b != 2 * a for a, b in pairwise(strides)):
        raise ModelError(
            f"the feature maps of timm's encoder {name!r} are {', '.join(map(str, strides))} times smaller than "
            "the image, the decoders need 2 or 4, then twice as much at each step; take another encoder"
        )


class _HalvingConv(nn.Conv2d):
    """A convolution of stride 2 that pads as TensorFlow's "same" does where the sides are even, as ours always are.

    timm's own asks each map for its size, which the export with free sizes follows for minutes.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C', h/2, w/2), h and w even."""
        padding = max(self.kernel_size[0] - 2, 0)
        before = padding // 2
        after = padding - before
        return super().forward(F.pad(x, (before, after, before, after)))


def _pad_for_even_sides(encoder: nn.Module) -> None:
    for module in encoder.modules():
        if isinstance(module, Conv2dSame) and module.stride == (2, 2):
            module.__class__ = _HalvingConv  # type: ignore[assignment]


def _load_local(encoder: nn.Module, path: Path, name: str) -> nn.Module:
    """The encoder with the weights of a file: its own, or those of the whole classifier, as timm publishes them."""
    if not path.is_file():
        raise ModelError(f"{path}: no such weights file; set net.encoder_weights to a file, hub or none")
    with torch.device("meta"):
        whole = timm.create_model(name).state_dict()
    try:
        state = load_file(path)
        if _parameters(encoder.state_dict()) <= state.keys() <= encoder.state_dict().keys() | whole.keys():
            encoder.load_state_dict(state, strict=False)
            return encoder
        if (
            _parameters(whole) <= state.keys() <= whole.keys()
        ):  # many of timm's encoders have other names in them
            loaded: nn.Module = timm.create_model(
                name, features_only=True, pretrained=True, pretrained_cfg_overlay={"file": str(path)}
            )
            return loaded
    except (SafetensorError, RuntimeError) as error:
        raise ModelError(f"{path}: not weights of {name!r}: {str(error).splitlines()[0]}") from error
    own = encoder.state_dict()
    missing, unknown = _parameters(own) - state.keys(), state.keys() - whole.keys() - own.keys()
    raise ModelError(
        f"{path}: not weights of {name!r}: {len(missing)} parameters are missing, {len(unknown)} are unknown; "
        "give the .safetensors file that timm publishes for this encoder"
    )


def _parameters(state: dict[str, Tensor]) -> set[str]:
    """The names in a state that no file may lack."""
    return {name for name in state if not name.endswith("num_batches_tracked")}
