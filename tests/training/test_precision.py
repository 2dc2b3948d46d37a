import pytest
import torch

from leafwise.training.precision import best_precision


@pytest.mark.parametrize(
    ("accelerator", "cpu_computes", "gpu_computes", "precision"),
    [
        ("cpu", True, False, "bf16-mixed"),
        ("cpu", False, True, "32-true"),  # with AVX2 alone it would be emulated
        ("cuda", False, True, "bf16-mixed"),
        ("cuda", True, False, "32-true"),
        ("mps", True, True, "32-true"),
    ],
)
def test_bfloat16_is_used_only_where_the_processor_computes_in_it(
    monkeypatch, accelerator, cpu_computes, gpu_computes, precision
):
    asked = []

    def is_bf16_supported(including_emulation=True):
        asked.append(including_emulation)
        return gpu_computes or including_emulation

    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: cpu_computes)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", is_bf16_supported)
    assert best_precision(accelerator) == precision
    assert True not in asked


def test_this_machine_has_an_answer():
    assert best_precision("cpu") in ("bf16-mixed", "32-true")
