"""Pods that ask: made for one run, out of a stock image with curl, and gone with it."""

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import psutil

from lab.verify.place import Place
from lab.verify.places.shell import ShellPlace
from lab.verify.program import Done

PREFIX = "mesh-expansion-verify-"
LABEL = "mesh-expansion/verify"
_RUN = "mesh-expansion/verify-run"
_CONTAINER, _PROXY = "probe", "linkerd-proxy"
_READY_SECONDS = 90


class Writer(Protocol):
    """What is asked of the cluster's API for them."""

    async def get(self, path: str) -> dict[str, Any] | None:
        """A document of the API."""

    async def create(self, manifest: Mapping[str, Any]) -> None:
        """OSError when the API refuses it."""

    async def __call__(self, *arguments: str, seconds: float = ..., stdin: str = ...) -> Done:
        """A command of kubectl's."""

    async def execute(self, namespace: str, pod: str, container: str, command: Sequence[str], seconds: float) -> Done:
        """A program in a container."""


@dataclass(frozen=True, kw_only=True)
class ProbePod:
    """`account` is a service account; None for a pod that is not on the mesh. `seconds` is how long it may live."""

    namespace: str
    image: str
    account: str | None
    seconds: float

    @property
    def words(self) -> str:
        """What it is called."""
        return f"a meshed pod as {self.account}" if self.account else "an unmeshed pod"

    def manifest(self, name: str) -> dict[str, Any]:
        """Its object: no rights, no token, no restart, and an end that Kubernetes itself sees to."""
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "namespace": self.namespace,
                "labels": {LABEL: "probe", "app.kubernetes.io/managed-by": "mesh-expansion-verify"},
                "annotations": {
                    "linkerd.io/inject": "enabled" if self.account else "disabled",
                    _RUN: _this_run(),
                },
            },
            "spec": {
                "serviceAccountName": self.account or "default",
                "automountServiceAccountToken": bool(self.account),  # the proxy beside it brings its own volume
                "restartPolicy": "Never",
                "activeDeadlineSeconds": round(self.seconds),
                "terminationGracePeriodSeconds": 0,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 65532,
                    "runAsGroup": 65532,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": _CONTAINER,
                        "image": self.image,
                        "command": ["sleep", str(round(self.seconds))],
                        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                    }
                ],
            },
        }


@asynccontextmanager
async def probe(api: Writer, pod: ProbePod) -> AsyncIterator[Place]:
    """The pod as a place, as long as the context lasts; it is gone afterwards, also when it was never ready."""
    name = f"{PREFIX}{'meshed' if pod.account else 'unmeshed'}-{secrets.token_hex(4)}"
    making = asyncio.ensure_future(api.create(pod.manifest(name)))
    try:
        await asyncio.shield(making)
        await _ready(api, pod, name)

        async def run(command: Sequence[str], seconds: float) -> Done:
            return await api.execute(pod.namespace, name, _CONTAINER, command, seconds)

        yield ShellPlace(pod.words, run, meshed=pod.account is not None)
    finally:
        await _remove(api, pod.namespace, name, making)


async def _ready(api: Writer, pod: ProbePod, name: str) -> None:
    place = ("--namespace", pod.namespace)
    wait = ("wait", "--for=condition=Ready", f"pod/{name}", f"--timeout={_READY_SECONDS}s", *place)
    done = await api(*wait, seconds=_READY_SECONDS + 5)
    if done.status != 0:
        raise OSError(f"{pod.words} is not ready: {done.last}")
    if pod.account is None:
        return
    found = await api.get(f"/api/v1/namespaces/{pod.namespace}/pods/{name}") or {}
    spec = found.get("spec", {})
    containers = [*spec.get("containers", []), *spec.get("initContainers", [])]
    if not any(container["name"] == _PROXY for container in containers):
        raise OSError(f"{pod.words} was given no proxy: Linkerd's injector does not work")


async def _remove(api: Writer, namespace: str, name: str, making: "asyncio.Future[None]") -> None:
    # What was on its way to the API when somebody interrupted may still arrive.
    with suppress(OSError, TimeoutError):
        await asyncio.shield(making)
    await delete(api, namespace, [name])


async def delete(api: Writer, namespace: str, names: Sequence[str]) -> None:
    """OSError when they are still there."""
    asked = ("delete", "pod", *names, "--namespace", namespace, "--ignore-not-found", "--timeout=20s")
    done = await api(*asked, seconds=30)
    if done.status != 0:
        raise OSError(f"pods of this run are left in {namespace}: {', '.join(names)}: {done.last}")


async def sweep(api: Writer, namespace: str, now: datetime | None = None) -> list[str]:
    """Remove what runs that were killed have left; the names. What another run still uses stays."""
    moment = now or datetime.now(UTC)
    listed = await api.get(f"/api/v1/namespaces/{namespace}/pods?labelSelector={LABEL.replace('/', '%2F')}%3Dprobe")
    left = [
        item["metadata"]["name"]
        for item in (listed or {}).get("items") or []
        if item["metadata"]["name"].startswith(PREFIX) and _is_left(item, moment)
    ]
    if left:
        await delete(api, namespace, left)
    return left


def _is_left(item: Mapping[str, Any], now: datetime) -> bool:
    """Whether the run that made it is over: its process is gone, or its time is up."""
    made = datetime.fromisoformat(str(item["metadata"]["creationTimestamp"]))
    if now - made > timedelta(seconds=item["spec"].get("activeDeadlineSeconds", 0)):
        return True
    host, _, rest = str((item["metadata"].get("annotations") or {}).get(_RUN, "")).partition("/")
    number, _, started = rest.partition("/")
    if host != socket.gethostname() or not number.isdecimal():
        return False
    try:
        return started != f"{psutil.Process(int(number)).create_time():.0f}"
    except psutil.NoSuchProcess:
        return True


def _this_run() -> str:
    """Machine, process and its start: a number alone is given to another process some day."""
    return f"{socket.gethostname()}/{os.getpid()}/{psutil.Process().create_time():.0f}"
