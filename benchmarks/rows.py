"""What a stage of the benchmark gives: rows of measurements, and notes on what was not measured."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from benchmarks.material import Material


@dataclass(frozen=True)
class Row:
    """One thing measured, beside its alternative measured in the same run."""

    stage: str
    case: str
    seconds: float | None = None
    alternative: str = ""
    alternative_seconds: float | None = None
    is_floor: bool = (
        False  # the alternative cannot be beaten: the ratio is how many times its time this takes
    )
    extras: dict[str, float | int | str] = field(default_factory=dict)  # name with its unit -> value

    @property
    def ratio(self) -> float | None:
        """Time of the alternative over the own time; the other way round where it is a floor."""
        if not self.seconds or not self.alternative_seconds:
            return None
        ratio = self.alternative_seconds / self.seconds
        return 1 / ratio if self.is_floor else ratio

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**vars(self), "ratio": self.ratio}


@dataclass(frozen=True)
class Note:
    """What the reader of a stage's rows has to know."""

    stage: str
    text: str


Result = Row | Note
Stage = Callable[[Material], Iterator[Result]]


class Unavailable(Exception):
    """A stage needs what is not installed; the message says what."""
