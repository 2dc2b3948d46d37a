"""Which number format a machine computes in without harm, and fast."""

import torch


def computes_bfloat16(accelerator: str) -> bool:
    """Whether the processor does: on a CPU with AVX2 alone it is emulated, eight times slower than float32."""
    if accelerator == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return accelerator == "cpu" and torch.cpu._is_avx512_bf16_supported()


def best_precision(accelerator: str) -> str:
    """Lightning's name of the format to train in: bfloat16 only where the processor computes in it, else float32."""
    return "bf16-mixed" if computes_bfloat16(accelerator) else "32-true"
