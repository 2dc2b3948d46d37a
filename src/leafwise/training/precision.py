"""Which number format a machine trains fastest in without harm."""

import torch


def best_precision(accelerator: str) -> str:
    """Lightning's name of it: bfloat16 only where the processor computes in it, else float32.

    On a CPU with AVX2 alone bfloat16 is emulated, and eight times slower than float32.
    """
    if accelerator == "cuda":
        computes = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        computes = accelerator == "cpu" and torch.cpu._is_avx512_bf16_supported()
    return "bf16-mixed" if computes else "32-true"
