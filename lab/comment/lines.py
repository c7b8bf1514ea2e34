"""Two values of one key, as lines of a difference."""

from collections.abc import Iterator
from difflib import unified_diff
from itertools import islice

_MOST = 12
_LONGEST = 200_000  # characters of two texts that are compared line by line: more takes too long


def differing(before: str | None, after: str | None) -> list[str]:
    """Lines that begin with `-` and `+`: of long texts those that differ, with a note where there are more."""
    if before is None and after is None:
        return ["    (only in what the provider computes)"]
    if before == after:
        return ["    (differs, and is not shown)"]
    if before is None or after is None or not _are_texts(before, after):
        return [f"{sign}   {text}" for sign, text in (("-", before), ("+", after)) if text is not None]
    lines = list(islice(_lines(before, after), _MOST + 1))
    return lines if len(lines) <= _MOST else [*lines[:_MOST], "    and more lines"]


def _are_texts(before: str, after: str) -> bool:
    return "\n" in before and "\n" in after and len(before) + len(after) <= _LONGEST


def _lines(before: str, after: str) -> Iterator[str]:
    for line in islice(unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""), 2, None):
        yield "    …" if line.startswith("@@") else f"{line[0]}   {line[1:]}"
