"""`leafwise info`: versions, execution providers and cores, as a bug report needs them."""

import typer


def info() -> None:
    """Show versions, execution providers and cores: what a bug report needs.

    \b
    Examples:
      leafwise info
    """
    import os
    import platform
    from importlib.metadata import PackageNotFoundError, requires, version

    import onnxruntime  # heavy: not for --help

    import leafwise
    from leafwise.models import shipped_models

    try:
        requirements = requires("leafwise") or []
    except PackageNotFoundError:  # run from a folder, not installed
        requirements = []
    lines = {
        "leafwise": leafwise.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": str(os.cpu_count()),
        "execution providers": ", ".join(onnxruntime.get_available_providers()),
        "shipped models": ", ".join(folder.name for folder in shipped_models()) or "none",
    }
    for requirement in requirements:
        name = requirement.split(";")[0].split("[")[0].split(">")[0].split("<")[0].split("=")[0].strip()
        if "extra == 'dev'" in requirement or 'extra == "dev"' in requirement:
            continue
        try:
            lines[name] = version(name)
        except PackageNotFoundError:
            lines[name] = "not installed"
    lines["onnxruntime"] = onnxruntime.__version__  # the package may be onnxruntime-gpu
    width = max(map(len, lines))
    for name, value in lines.items():
        typer.echo(f"{name:<{width}}  {value}")
