"""Documents on standard output: for programs, files and browsers, so UTF-8 whatever the terminal's language is."""

import sys
from io import TextIOWrapper


def write(text: str) -> None:
    """To standard output."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(text)
