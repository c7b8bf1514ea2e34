"""The per-user cache of tools: finished directories only, one writer a tool."""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from lab.tools.tool import Tool

_MAKING = ".making-"
_SOURCE = "source.json"
_REFUSAL_SECONDS = 24 * 3600


class Store:
    """Directories `<root>/<tool>/<version>-<key>/`: `bin/` or `data/`, and `source.json` that says where from.

    The key is a digest of everything that decides the content, so a changed pin is another directory.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def entry(self, tool: Tool, *ingredients: object) -> Path:
        """Where this content of the tool is or will be; `ingredients` are the JSON values that decide it."""
        text = json.dumps(ingredients, sort_keys=True)
        key = hashlib.sha256(text.encode()).hexdigest()[:12]
        return self.root / tool.name / f"{tool.version}-{key}"

    @contextmanager
    def lock(self, tool: Tool, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the tool against other runs of this user; `waiting` is called once when another run has it."""
        self.root.mkdir(parents=True, exist_ok=True)
        with hold(self.root / f"{tool.name}.lock", waiting):
            yield

    @contextmanager
    def making(self, entry: Path) -> Iterator[Path]:
        """A directory to fill, which becomes `entry` in one step when the block ends well. Hold the tool's lock.

        A killed run leaves only a directory of another name, removed here by the next one.
        """
        for abandoned in entry.parent.glob(f"{_MAKING}*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        entry.parent.mkdir(parents=True, exist_ok=True)
        # A name of its own: the compiler of a killed run may still be writing to the old one.
        partial = Path(tempfile.mkdtemp(prefix=_MAKING, dir=entry.parent))
        partial.chmod(0o755)
        try:
            yield partial
            if entry.exists():
                shutil.rmtree(entry)  # it was there but not complete, see `complete`
            partial.replace(entry)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def hold(file: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock file; the system releases it when the process ends, however it ends."""
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waiting()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def describe(directory: Path, **source: str) -> None:
    """Write down where the content of a directory came from, and its files: with that it can be called complete."""
    files = sorted(str(path.relative_to(directory)) for path in directory.glob("*/*"))
    (directory / _SOURCE).write_text(json.dumps({**source, "files": files}, indent=2) + "\n")


def complete(entry: Path) -> bool:
    """True when the entry is finished and every file in it is still there (a user may have cleaned by hand)."""
    try:
        files = json.loads((entry / _SOURCE).read_text())["files"]
    except (OSError, ValueError, KeyError):
        return False
    return all((entry / file).exists() for file in files)


def refuse(entry: Path, why: str) -> None:
    """Remember that the official content of `entry` could not be had, so that each run does not ask again."""
    entry.parent.mkdir(parents=True, exist_ok=True)
    partial = entry.with_name(f"{entry.name}.refused.{os.getpid()}")
    partial.write_text(json.dumps({"why": why, "at": time.time()}))
    partial.replace(entry.with_name(f"{entry.name}.refused"))


def refusal(entry: Path) -> str | None:
    """Why the official content could not be had within the last day, or None when it is worth asking."""
    try:
        record = json.loads(entry.with_name(f"{entry.name}.refused").read_text())
        return str(record["why"]) if 0 <= time.time() - record["at"] < _REFUSAL_SECONDS else None
    except (OSError, ValueError, KeyError):
        return None
