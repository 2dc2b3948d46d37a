"""Timing of functions, taken in turn."""

from collections.abc import Callable, Sequence
from time import perf_counter


def seconds_of(function: Callable[[], object]) -> float:
    """Of one call."""
    start = perf_counter()
    function()
    return perf_counter() - start


def shortest(
    functions: Sequence[Callable[[], object]], *, repeats: int = 5, limit: float = 10.0
) -> list[float]:
    """Shortest time of each function in seconds: what else the machine does only ever adds.

    They are called in turn, so that what else it does meets all alike; no round begins after `limit` seconds.
    """
    times: list[list[float]] = [[] for _ in functions]
    start = perf_counter()
    for done in range(repeats):
        if done and perf_counter() - start > limit:
            break
        for function, taken in zip(functions, times, strict=True):
            taken.append(seconds_of(function))
    return [min(taken) for taken in times]
