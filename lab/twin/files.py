"""Files that are whole or absent, and readable by their owner only."""

import os
from pathlib import Path


def write_private(path: Path, content: bytes) -> bool:
    """Put `content` at `path` (0600) in one step; False, and no write, when it is there already."""
    try:
        if path.read_bytes() == content:
            path.chmod(0o600)
            return False
    except OSError:
        pass  # absent or unreadable: written anew
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    part.replace(path)
    return True
