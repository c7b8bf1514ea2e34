"""A build's context: what is sent to the engine, and a digest that changes when it does."""

import hashlib
import io
import os
import stat
from pathlib import Path

from docker.utils import exclude_paths, tar

from lab.standins.base import InvalidInputs, Problem

OUTSIDE_NAME = ".dockerfile"


def require_context(context: str, dockerfile: str) -> None:
    """Raises InvalidInputs when the context or the Dockerfile is not there."""
    if not Path(context).is_dir():
        raise InvalidInputs([Problem("build.context", f"must be a directory; there is none at {context!r}")])
    if not Path(dockerfile).is_file():
        inside = Path(context, dockerfile)
        hint = f"; it is relative to the program, did you mean {str(inside)!r}?" if inside.is_file() else ""
        raise InvalidInputs([Problem("build.dockerfile", f"there is no file at {dockerfile!r}{hint}")])


def context_digest(context: str, dockerfile: str) -> str:
    """SHA-256 over names, modes and contents of the files that a build would see, as hexadecimal digits."""
    digest = hashlib.sha256(Path(dockerfile).read_bytes())
    root = Path(context)
    for name in sorted(exclude_paths(str(root), _ignored(context, dockerfile))):
        path = root / name
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            continue
        content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
        digest.update(f"{name}\0{mode:o}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def context_archive(context: str, dockerfile: str) -> tuple[bytes, str]:
    """A compressed tar archive of the context, and the Dockerfile's name in it; one outside of the context is put in."""
    root, file = Path(context).resolve(), Path(dockerfile).resolve()
    inside = file.is_relative_to(root)
    name = file.relative_to(root).as_posix() if inside else f"{OUTSIDE_NAME}.{os.urandom(8).hex()}"
    archive = io.BytesIO()
    tar(
        root,
        exclude=_ignored(context, dockerfile),
        dockerfile=(name, None if inside else file.read_text()),
        fileobj=archive,
        gzip=True,  # BuildKit takes a plain archive that starts with an extended header for a Dockerfile
    )
    return archive.getvalue(), name


def _ignored(context: str, dockerfile: str) -> list[str]:
    """Patterns of the Dockerfile's own ignore file, else of the context's."""
    for file in (Path(f"{dockerfile}.dockerignore"), Path(context, ".dockerignore")):
        if file.is_file():
            lines = (line.strip() for line in file.read_text().splitlines())
            return [line for line in lines if line and not line.startswith("#")]
    return []
