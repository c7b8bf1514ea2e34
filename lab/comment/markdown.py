"""Markdown in which nothing from a preview is anything but text."""

import re
import unicodedata
from collections.abc import Iterable

_LONGEST = 160


def code(text: str, longest: int = _LONGEST) -> str:
    """A text as code on one line: no markup, no mention of a person, no link in it is one."""
    flat = _flat(text)
    flat = flat if len(flat) <= longest else f"{flat[: longest - 1]}…"
    if not flat.strip():
        return "`(empty)`"
    fence = "`" * (_run(flat) + 1)
    space = " " if flat.startswith(("`", " ")) or flat.endswith(("`", " ")) else ""
    return f"{fence}{space}{flat}{space}{fence}"


def block(lines: Iterable[str], language: str = "") -> str:
    """Lines as a block of code, each cut where it is long."""
    flat = [cut(line) for line in lines]
    fence = "`" * max(3, _run("\n".join(flat)) + 1)
    return "\n".join([f"{fence}{language}", *flat, fence])


def cut(text: str, longest: int = _LONGEST) -> str:
    """A text on one line, cut where it is long."""
    flat = _flat(text)
    return flat if len(flat) <= longest else f"{flat[: longest - 1]}…"


def folded(summary: str, body: str) -> str:
    """A part that opens when it is clicked. `summary` is this program's own text."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def bytes_of(text: str) -> int:
    """How long a text is at most, however characters are counted."""
    return len(text.encode())


def _flat(text: str) -> str:
    """Without line breaks, and without characters that turn what follows around."""
    return "".join(" " if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") else letter for letter in text)


def _run(text: str) -> int:
    """The longest run of backticks."""
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
