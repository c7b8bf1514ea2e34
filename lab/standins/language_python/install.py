"""`pulumi install`: the program's virtualenv and what requirements.txt lists."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from lab.standins.language_python.options import OptionError, virtualenv


class InstallError(RuntimeError):
    """A step of the installation failed."""


async def dependencies(root: Path, options: Mapping[str, Any]) -> AsyncIterator[bytes]:
    """Makes the virtualenv where it is missing, installs `root`/requirements.txt into it, and gives the output line by line."""
    directory = virtualenv(root, options)
    if directory is None:
        raise OptionError(
            "Pulumi.yaml names no virtualenv to install into; add runtime: {name: python, options: {virtualenv: .venv}}"
        )
    python = directory / "bin" / "python"
    if not python.exists():
        async for line in _output(sys.executable, "-m", "venv", str(directory)):
            yield line
    requirements = root / "requirements.txt"
    if requirements.exists():
        async for line in _output(
            str(python), "-m", "pip", "install", "--disable-pip-version-check", "-r", str(requirements)
        ):
            yield line


async def _output(*command: str) -> AsyncIterator[bytes]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None  # noqa: S101 - asked for above
    try:
        async for line in process.stdout:
            yield line
        if await process.wait():
            raise InstallError(f"{' '.join(command)} failed with exit code {process.returncode}")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
