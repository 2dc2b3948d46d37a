"""Settings from and to TOML, and overrides from the command line."""

import dataclasses
import math
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import tomli_w

from leafwise.errors import SettingsError

Settings = TypeVar("Settings")


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises SettingsError where there is no such file or it is no TOML."""
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error}); give a TOML file") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not a TOML file: {error}") from error


def to_dict(settings: Any) -> dict[str, Any]:
    """A dataclass, nested ones included, as the tables of a TOML file; None is left out."""
    return dataclasses.asdict(settings, dict_factory=lambda items: {k: v for k, v in items if v is not None})


def to_toml(settings: Any) -> str:
    """A dataclass as TOML text."""
    return tomli_w.dumps(to_dict(settings))


def from_dict(kind: type[Settings], values: Mapping[str, Any], *, where: str = "settings") -> Settings:
    """A dataclass of `kind` from TOML tables; what is not named keeps its default.

    Raises SettingsError, which begins with `where`, for a name that does not exist (with the nearest one), and
    for a value of another type or out of its range.
    """
    hints = get_type_hints(kind)
    names = [f.name for f in dataclasses.fields(kind)]  # type: ignore[arg-type]
    for name in values:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names)}"
            raise SettingsError(f"{where}: no setting {name!r}; {hint}")
    checked = {name: _checked(hints[name], value, f"{where}: {name}") for name, value in values.items()}
    try:
        return kind(**checked)
    except (TypeError, SettingsError) as error:
        raise SettingsError(f"{where}: {error}") from error


def apply_overrides(settings: Settings, overrides: Sequence[str], *, option: str = "--set") -> Settings:
    """Settings with `section.key=value` overrides applied; the values are written as in TOML.

    Raises SettingsError, which begins with the `option` that they were given by, for what cannot be.

    >>> from leafwise.config import RunSettings
    >>> apply_overrides(RunSettings(), ["training.epochs=3"]).training.epochs
    3
    """
    tables = to_dict(settings)
    for override in overrides:
        path, equals, text = override.partition("=")
        *sections, key = path.strip().split(".")
        if not equals or not key or len(sections) != 1:
            raise SettingsError(
                f"{option} {override}: write section.key=value, for example training.epochs=30"
            )
        section = tables.setdefault(sections[0], {})
        section[key] = _value_of(text.strip())
    return from_dict(type(settings), tables, where=option)


def _value_of(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text  # a bare word is a string: no quotes needed on the command line


def _checked(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise SettingsError(f"{where} must be a table, it is {value!r}")
        return from_dict(hint, value, where=where)  # type: ignore[arg-type]
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise SettingsError(f"{where} must be one of {', '.join(get_args(hint))}; it is {value!r}")
        return value
    if hint is float and type(value) is int:
        return float(value)
    plain = get_origin(hint) or hint
    if plain is tuple and isinstance(value, list):  # of any length, all of one type
        return tuple(_checked(get_args(hint)[0], one, where) for one in value)
    if isinstance(plain, type) and type(value) is not plain and not isinstance(value, plain):
        raise SettingsError(f"{where} must be {plain.__name__}, it is {value!r}")
    if plain is int and isinstance(value, bool):
        raise SettingsError(f"{where} must be int, it is {value!r}")
    if plain is float and not math.isfinite(value):
        raise SettingsError(f"{where} must be a finite number, it is {value!r}")
    return value
