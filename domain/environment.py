"""Files of NAME=value lines, in the two dialects that devices read."""

import re
import shlex
from collections.abc import Mapping

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def shell_lines(values: Mapping[str, str]) -> str:
    """Lines that a POSIX shell and systemd's EnvironmentFile= read alike: quoted where needed, no expansion.

    Raises ValueError for a name that is none, and for a value with a line break or a single quote.
    """
    return "".join(f"{_name(name)}={shlex.quote(_plain(name, value))}\n" for name, value in values.items())


def container_lines(values: Mapping[str, str]) -> str:
    """Lines for `podman run --env-file`, which takes everything after the first `=` as it stands.

    Raises ValueError as `shell_lines` does, but lets quotes pass: nothing interprets them there.
    """
    return "".join(f"{_name(name)}={_one_line(name, value)}\n" for name, value in values.items())


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"environment: {name!r} is no name of a variable; expected letters, digits and underscores; fix: rename it"
        )
    return name


def _one_line(name: str, value: str) -> str:
    # The value may be a secret, so the message leaves it out.
    if any(character in value for character in "\n\r\0"):
        raise ValueError(
            f"environment: the value of {name} has a line break; expected one line; "
            "fix: encode it (base64), or let the workload read a file"
        )
    return value


def _plain(name: str, value: str) -> str:
    if "'" in _one_line(name, value):
        raise ValueError(
            f"environment: the value of {name} holds a single quote; expected none: the shell and systemd read it "
            "differently; fix: leave it out"
        )
    return value
