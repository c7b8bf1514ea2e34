"""The cluster's API by way of kubectl, which knows every way to log in that a kubeconfig can name."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.doctor.command import find
from lab.verify.program import Done, run

_SECONDS = 20
_AT_ONCE = 4  # each is a process of its own


class Kubectl:
    """Reads what is asked for; the only writes are of what `verify` itself has put there."""

    def __init__(self, file: Path, context: str | None = None) -> None:
        self._options = ["--kubeconfig", str(file), *(["--context", context] if context else [])]
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def get(self, path: str) -> dict[str, Any] | None:
        """A document of the API; None when there is none. OSError when the API does not answer."""
        done = await self("get", "--raw", path)
        if done.status != 0:
            if "(NotFound)" in done.fault or "could not find the requested resource" in done.fault:
                return None
            raise OSError(f"the cluster does not say what is at {path}: {done.last}")
        document = json.loads(done.out)
        return document if isinstance(document, dict) else None

    async def field(self, namespace: str, kind: str, name: str, jsonpath: str) -> str | None:
        """One field of an object, so that its others, which may be secret, stay away; None when there is no object."""
        done = await self("get", kind, name, "--namespace", namespace, "--output", f"jsonpath={jsonpath}")
        if done.status != 0:
            if "(NotFound)" in done.fault:
                return None
            raise OSError(f"the cluster does not show {kind} {name}: {done.last}")
        return done.out

    async def raw(self, path: str) -> str:
        """What the API answers, as it is. OSError when that is no success."""
        done = await self("get", "--raw", path)
        if done.status != 0:
            raise OSError(f"the cluster does not say what is at {path}: {done.last}")
        return done.out

    async def create(self, manifest: Mapping[str, Any]) -> None:
        """OSError when the API refuses it."""
        done = await self("create", "--filename", "-", stdin=json.dumps(manifest))
        if done.status != 0:
            raise OSError(f"the cluster refuses {manifest['kind']} {manifest['metadata']['name']}: {done.last}")

    async def execute(self, namespace: str, pod: str, container: str, command: Sequence[str], seconds: float) -> Done:
        """A program in a container, with its own end and what it said."""
        place = ("exec", "--namespace", namespace, pod, "--container", container, "--")
        return await run(find("kubectl") or "kubectl", *self._options, *place, *command, seconds=seconds)

    async def __call__(self, *arguments: str, seconds: float = _SECONDS, stdin: str = "") -> Done:
        """A command of kubectl's. OSError when there is no kubectl, TimeoutError when it does not end."""
        async with self._gate:
            return await run(find("kubectl") or "kubectl", *self._options, *arguments, seconds=seconds, stdin=stdin)
