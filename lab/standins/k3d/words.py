"""How k3d talks: its log on both streams, tables, JSON."""

import json
import sys
from collections.abc import Sequence
from typing import Any

_COLOURS = {"INFO": 36, "WARN": 33, "FATA": 31}
_GAP = 3


def info(text: str) -> None:
    """A line of progress, on standard output."""
    sys.stdout.write(_line("INFO", text))


def fatal(text: str) -> None:
    """What ends a run, on standard error."""
    sys.stderr.write(_line("FATA", text))


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns, each as wide as it has to be."""
    widths = [max(3, *(len(cell) for cell in column)) + _GAP for column in zip(*rows, strict=True)]
    lines = [
        "".join(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)) + row[-1] for row in rows
    ]
    return "".join(f"{line}\n" for line in lines)


def compact(value: Any) -> str:
    """JSON as Go writes it, in one line."""
    return json.dumps(value, separators=(",", ":")) + "\n"


def _line(level: str, text: str) -> str:
    return f"\x1b[{_COLOURS[level]}m{level}\x1b[0m[0000] {text:<44} \n"
