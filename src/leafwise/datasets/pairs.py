"""A photo with its label map, and which plant it shows."""

import re
from dataclasses import dataclass
from pathlib import Path

from leafwise.errors import DatasetError

GROUP_PATTERN = r"^\d+_(\d+)_\d+_\d+$|^(.*plant\d+)$"
"""Which part of a pair's name is the plant: what the first capturing group that took part has caught.

KOMATSUNA's view_plant_day_hour gives the second field. CVPPP's plantNNN gives the whole name: its numbers
count photos and say nothing of the plant. A name that does not match is a group of its own.
"""


@dataclass(frozen=True)
class Pair:
    """One photo and its label map; `group` is the plant, for splits that keep a plant's photos together.

    `dataset` is named where several are read together.
    """

    name: str
    image: Path
    labels: Path
    group: str
    dataset: str = ""


def group_of(name: str, pattern: str = GROUP_PATTERN) -> str:
    """The plant that a pair's name tells, or the name itself.

    >>> group_of("00_02_013_04"), group_of("plant017"), group_of("nucleus")
    ('02', 'plant017', 'nucleus')

    Raises DatasetError where `pattern` is no regular expression or has no capturing group.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise DatasetError(
            f"group pattern {pattern!r} is no regular expression ({error}); mend it"
        ) from error
    if not compiled.groups:
        raise DatasetError(f"group pattern {pattern!r} catches nothing; put the plant's part in brackets")
    match = compiled.search(name)
    caught = [part for part in match.groups() if part is not None] if match else []
    return caught[0] if caught else name
