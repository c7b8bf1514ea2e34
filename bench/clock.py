"""What a run took."""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass


class BenchError(Exception):
    """Something that was to be timed failed; the text says what it said."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Seconds: of the clock, and of this machine's processors by what was run here (not on the devices)."""

    wall: float
    cpu: float


def timed(run: Callable[[], None]) -> Timing:
    """Runs it."""
    before, begun = _children(), time.monotonic()
    run()
    return Timing(wall=time.monotonic() - begun, cpu=_children() - before)


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
