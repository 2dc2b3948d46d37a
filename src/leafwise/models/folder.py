"""Finding a model by its name or path."""

from difflib import get_close_matches
from pathlib import Path

from leafwise.errors import ModelError
from leafwise.models.card import CARD_NAME

SHIPPED = Path(__file__).parent / "shipped"


def shipped_models() -> list[Path]:
    """The folders of the models inside the package, by name."""
    return sorted(card.parent for card in SHIPPED.glob(f"*/{CARD_NAME}"))


def find_model(name_or_path: str | Path) -> Path:
    """The folder of a model: the name of a shipped one, or a path.

    Raises ModelError for an unknown name (with the nearest one) and for a folder that is not a model.
    """
    path = Path(name_or_path)
    shipped = {folder.name: folder for folder in shipped_models()}
    if str(name_or_path) in shipped:
        return shipped[str(name_or_path)]
    if path.is_dir():
        if not (path / CARD_NAME).is_file():
            raise ModelError(
                f"{path}: not a model folder, it has no {CARD_NAME}; `leafwise models` lists models"
            )
        return path
    if path.exists():
        raise ModelError(f"{path}: a model is a folder with a {CARD_NAME}, this is a file")
    near = get_close_matches(str(name_or_path), shipped, n=1)
    hint = f"did you mean {near[0]}?" if near else "`leafwise models` lists them; a path works too"
    raise ModelError(f"no model {str(name_or_path)!r}; {hint}")


def reference_to(folder: Path) -> str:
    """What finds a model folder again: a shipped model's name, else the absolute path."""
    return folder.name if folder in shipped_models() else str(folder.resolve())
