"""Files that a stack file names, by paths from the project's directory or from a home directory."""

import os
from pathlib import Path


def expanded(path: str) -> str:
    """The path with `~` replaced; as it is where that is the home directory of somebody who is not known here."""
    return os.path.expanduser(path)  # noqa: PTH111 - pathlib's raises for such a name


def is_file(project: Path, path: str) -> bool:
    """Whether a file is there that can be looked at."""
    try:
        return (project / expanded(path)).is_file()
    except (OSError, ValueError):
        return False


def text(project: Path, path: str) -> str:
    """What the file says; nothing when it cannot be read."""
    try:
        return (project / expanded(path)).read_text()
    except (OSError, ValueError):
        return ""
