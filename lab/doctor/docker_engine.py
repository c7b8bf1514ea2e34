"""Checks of the Docker engine that a lab runs its cluster, its containers or the twin's devices on."""

import asyncio
import os
import shlex
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException

from lab.docker.install import debian_like
from lab.docker.places import SYSTEM_SOCKET, places
from lab.docker.reach import DockerEngine, answering
from lab.docker.record import read_record
from lab.doctor.finding import Finding, failed, ok, warning

CHECK = "docker"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64", "amd64": "amd64"}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """`host` is the engine of the stack file, None for the one that everybody finds; `what` runs on it, in words.

    `installs`: `make up` installs and starts one where it may.
    """

    host: str | None
    what: str
    installs: bool


async def check(wanted: Wanted) -> AsyncIterator[Finding]:
    """Does it answer?"""
    engine = await asyncio.to_thread(reached, wanted.host)
    if engine is not None:
        yield ok(CHECK, "Docker engine", f"{engine.version} at {engine.host}")
        return
    yield _missing(wanted)


def reached(host: str | None) -> DockerEngine | None:
    """The engine that an `up` would use, when it answers; starts none."""
    if chosen := host or os.environ.get("DOCKER_HOST"):
        return answering(chosen)
    if SYSTEM_SOCKET.exists() and (engine := answering(f"unix://{SYSTEM_SOCKET}")):
        return engine
    record = read_record(places().record)
    return answering(record.host, ours=True) if record and record.process() else None


def architecture(engine: DockerEngine) -> str | None:
    """What the engine's machine is: `amd64`, `arm64`, or None for anything else."""
    try:
        with_engine = engine.client()
        try:
            return _ARCHITECTURES.get(str(with_engine.info().get("Architecture")))
        finally:
            with_engine.close()
    except (DockerException, OSError):
        return None


def publisher(engine: DockerEngine, port: int) -> tuple[str, dict[str, str]] | None:
    """Name and labels of the container that has a port of this machine; None when no container has."""
    try:
        client: docker.DockerClient = engine.client()
        try:
            listed: list[dict[str, Any]] = client.api.containers()
        finally:
            client.close()
    except (DockerException, OSError):
        return None
    for item in listed:
        if any(entry.get("PublicPort") == port for entry in item.get("Ports") or []):
            names = item.get("Names") or [item.get("Id", "")[:12]]
            return str(names[0]).lstrip("/"), dict(item.get("Labels") or {})
    return None


def _missing(wanted: Wanted) -> Finding:
    chosen = wanted.host or os.environ.get("DOCKER_HOST")
    socket = Path(chosen.removeprefix("unix://")) if chosen and chosen.startswith("unix://") else SYSTEM_SOCKET
    subject, needed = "Docker engine", f"which {wanted.what}"
    if (not chosen or chosen.startswith("unix://")) and socket.exists() and not os.access(socket, os.W_OK):
        return failed(
            CHECK,
            subject,
            f"{socket} may not be used by this user, {needed}",
            "sudo usermod -aG docker $USER, then log in again",
        )
    if chosen:
        where = "docker.host" if wanted.host else "DOCKER_HOST"
        return failed(
            CHECK, subject, f"nothing answers at {chosen} ({where}), {needed}", f"docker -H {shlex.quote(chosen)} info"
        )
    if wanted.installs and os.geteuid() == 0 and debian_like():
        return warning(CHECK, subject, f"none answers, {needed}; `make up` installs and starts one", "make up")
    if socket.exists():
        return failed(CHECK, subject, f"nothing answers at {socket}, {needed}", "sudo systemctl restart docker")
    return failed(
        CHECK,
        subject,
        f"there is none, {needed}",
        "install Docker Engine (Debian, Ubuntu: sudo apt-get install docker.io), and start it: sudo systemctl enable --now docker",
    )
