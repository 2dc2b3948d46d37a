"""What lets a CPU train faster without any other result: how PyTorch and the C library do the same work."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # names and numbers of glibc's malloc.h
NEVER = 2**31 - 1


def keep_memory() -> None:
    """Have the memory of large tensors used again, for the rest of this process.

    glibc gives it back to the system when a tensor is freed, and the system fills it with zeros again for the next
    one, thousands of times in a training step. Elsewhere than on Linux with glibc nothing is done.
    """
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, NEVER)


def fast_layout(images: Tensor) -> Tensor:
    """Images (B, C, h, w), laid out in memory as networks learn from them fastest.

    That is pixel by pixel (channels_last), but not for float32 on a CPU: gradients of weights take twice as long so.
    """
    float32 = images.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    by_planes = images.device.type == "cpu" and float32
    return images.contiguous(memory_format=torch.contiguous_format if by_planes else torch.channels_last)


@contextmanager
def strided_in_float32(net: nn.Module) -> Iterator[None]:
    """Within it, depthwise convolutions with a stride compute in float32 on a CPU, whatever autocast says.

    Their backward pass in bfloat16 has no kernel of its own in oneDNN, and takes 3 to 5 times as long.
    """
    strided = [m for m in net.modules() if isinstance(m, nn.Conv2d) and m.groups > 1 and max(m.stride) > 1]
    for module in strided:
        module.forward = partial(_in_float32, module)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for module in strided:
            del module.forward


def _in_float32(module: nn.Conv2d, x: Tensor) -> Tensor:
    if x.device.type != "cpu":
        return type(module).forward(module, x)  # its own: timm's Conv2dSame pads first
    with torch.autocast("cpu", enabled=False):
        return type(module).forward(module, x.float())
