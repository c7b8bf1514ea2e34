"""Texts for the shell of another machine."""

import shlex
from collections.abc import Mapping


def closed(functions: str, call: str) -> str:
    """Functions, then a call as a group: a shell runs a group only once it has read the closing brace, so that a text
    that was cut short runs nothing.
    """
    return f"{functions}{{\n{call}}}\n"


def assignments(values: Mapping[str, str]) -> str:
    """One line a variable, quoted."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
