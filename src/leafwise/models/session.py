"""Opening networks in onnxruntime."""

from pathlib import Path

import onnxruntime

from leafwise.errors import ModelError

PROVIDERS = (
    "CUDAExecutionProvider",
    "CoreMLExecutionProvider",
    "DmlExecutionProvider",
    "CPUExecutionProvider",
)


def open_session(path: Path, *, threads: int) -> onnxruntime.InferenceSession:
    """An ONNX file, ready to run with so many threads, 0 for one a core. Raises ModelError where it is damaged."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # idle threads that spin would take the cores from the processes that cluster
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    available = onnxruntime.get_available_providers()
    providers = [provider for provider in PROVIDERS if provider in available]
    try:
        return onnxruntime.InferenceSession(path, options, providers=providers)
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"{path}: damaged, onnxruntime cannot load it ({reason}); copy it again") from error


def output_names(session: onnxruntime.InferenceSession) -> list[str]:
    """The names of what a network gives."""
    return [output.name for output in session.get_outputs()]
