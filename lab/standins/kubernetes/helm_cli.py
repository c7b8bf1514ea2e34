"""The `helm` CLI as a child process: values on stdin, kubeconfig and credentials in private files, never in argv.

A helm that is stopped by a signal writes `failed` into its release; one that is killed leaves `pending-...`. So helm is
stopped when the update is cancelled, and the kernel stops it when this process is killed.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from lab.standins.base.errors import ProviderError
from lab.standins.kubernetes.fields import redact
from lab.standins.kubernetes.kubeconfig import Kubeconfig

_STOP_SECONDS: Final = 4.0
# Code of our own between fork and exec would crash on gRPC's threads, so a process of its own ties helm to this one.
_LIFELINE: Final = (sys.executable, "-I", "-S", str(Path(__file__).with_name("lifeline.py")))


class HelmError(ProviderError):
    """helm ended with an error; the message is what it said, without secrets."""


@dataclass(frozen=True)
class Room:
    """A private directory (0700) with the kubeconfig (0600) and whatever else a helm needs; gone after the work."""

    directory: Path
    environment: Mapping[str, str]

    def write(self, name: str, content: str) -> Path:
        path = self.directory / name
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(content)
        return path

    def with_environment(self, **more: str) -> "Room":
        return Room(self.directory, {**self.environment, **more})


@contextmanager
def room(kubeconfig: Kubeconfig, settings: Mapping[str, str]) -> Iterator[Room]:
    """`settings` are the provider's helmReleaseSettings."""
    with tempfile.TemporaryDirectory(prefix="helm-") as name:
        made = Room(Path(name), {})
        named = {
            "KUBECONFIG": str(made.write("kubeconfig", json.dumps(kubeconfig))) if kubeconfig else "",
            "HELM_PLUGINS": settings.get("pluginsPath", ""),
            "HELM_REGISTRY_CONFIG": settings.get("registryConfigPath", ""),
            "HELM_REPOSITORY_CONFIG": settings.get("repositoryConfigPath", ""),
            "HELM_REPOSITORY_CACHE": settings.get("repositoryCache", ""),
            "HELM_DRIVER": "secret",
        }
        yield made.with_environment(**{key: value for key, value in named.items() if value})


async def run(
    place: Room,
    arguments: Sequence[str],
    *,
    values: Mapping[str, Any] | None = None,
    stdin: str = "",
    secrets: Iterable[str] = (),
) -> str:
    """What helm printed. `values` go to its stdin (`--values -` is added). Raises HelmError.

    On cancellation helm is told to stop, and has a few seconds to write down that its release failed.
    """
    binary = shutil.which("helm")
    if binary is None:
        raise ProviderError("helm is not on PATH; install it (the lab's `make tools` does)")
    given = yaml.safe_dump(dict(values), sort_keys=False) if values is not None else stdin
    process = await asyncio.create_subprocess_exec(
        *_LIFELINE,
        str(os.getpid()),
        binary,
        *arguments,
        *(("--values", "-") if values is not None else ()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **place.environment},
        start_new_session=True,
    )
    try:
        out, said = await process.communicate(given.encode())
    except asyncio.CancelledError:
        await _stop(process)
        raise
    if process.returncode != 0:
        text = redact(said.decode(errors="replace").strip(), secrets)
        raise HelmError(f"helm {arguments[0]}: {_essence(text) or f'ended with code {process.returncode}'}")
    return out.decode(errors="replace")


async def run_json(place: Room, arguments: Sequence[str]) -> Any:
    return json.loads(await run(place, [*arguments, "--output", "json"]))


async def _stop(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


def _essence(text: str) -> str:
    """Helm's message without its warnings and its log lines."""
    lines = [line for line in text.splitlines() if not line.startswith(("WARNING:", "level=", "I0", "W0", "E0"))]
    return "\n".join(lines).removeprefix("Error: ") or text
