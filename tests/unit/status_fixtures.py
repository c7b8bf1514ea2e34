"""A lab that is only said: what its state holds and what its API answers, for the looks of `lab status`."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lab.doctor.state import State as Found
from lab.status.api import Answering, Object, SilentError
from lab.status.context import Context
from lab.status.item import Item
from lab.status.recorded import Recorded
from tests.unit.stack_files import load_lab, make_project

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SILENT = "https://192.0.2.1:6443 does not answer"


def moment(seconds_ago: float) -> str:
    """As the API writes it."""
    return (NOW - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class FakeApi:
    """Lists by path; `silent` answers nothing."""

    lists: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    silent: bool = False

    async def answering(self) -> Answering:
        if self.silent:
            raise SilentError(SILENT)
        return Answering(server="https://192.0.2.1:6443", version="v1.34.3+k3s1")

    async def items(self, path: str) -> Sequence[Object]:
        await self.answering()
        return self.lists.get(path, [])


def resource(kind: str, name: str, /, **inputs: Any) -> dict[str, Any]:
    """One of a stack's state."""
    return {"type": kind, "urn": f"urn:pulumi:here::mesh-expansion::{kind}::{name}", "inputs": inputs, "outputs": {}}


def registered(name: str) -> dict[str, Any]:
    """An ExternalWorkload as it was asked for."""
    return resource(
        "kubernetes:workload.linkerd.io/v1beta1:ExternalWorkload", f"edge-{name}", metadata={"name": name}, spec={}
    )


def device(name: str, stdin: object = None) -> list[dict[str, Any]]:
    """A registered workload on a machine that was given `stdin`."""
    found = [registered(name), resource("mesh:edge:EdgeDevice", f"{name}-device")]
    return [*found, *([resource("command:remote:Command", f"{name}-device-parts", stdin=stdin)] if stdin else [])]


def container(name: str, image: str = "sha256:1") -> list[dict[str, Any]]:
    """A registered workload in a container."""
    return [
        registered(name),
        resource("mesh:edge:EdgeContainer", f"{name}-docker"),
        resource("docker:index/container:Container", f"{name}-docker-container", name=f"net-{name}", image=image),
    ]


def server(service: str, policy: str) -> dict[str, Any]:
    """A Server as it was asked for."""
    return resource(
        "kubernetes:policy.linkerd.io/v1beta3:Server",
        f"policy-edge-{service}-server",
        metadata={"name": f"edge-{service}"},
        spec={"accessPolicy": policy},
    )


def context_of(
    directory: Path,
    *resources: Mapping[str, Any],
    api: FakeApi | None = None,
    outputs: Mapping[str, Any] | None = None,
    ends: Mapping[str, datetime] | None = None,
    lab: str = "twin",
    encrypted_key: bool = False,
    seconds: float = 10,
    **changed: Any,
) -> Context:
    """What looks are given for that lab's stack file with some keys changed, and a state with these resources."""
    project = make_project(directory)
    return Context(
        stack=lab,
        project=project,
        settings=load_lab(lab, project, **changed),
        recorded=Recorded(Found(exists=True, outputs=outputs or {}, ends=ends or {}, resources=resources)),
        api=api or FakeApi(),
        encrypted_key=encrypted_key,
        seconds=seconds,
        now=lambda: NOW,
    )


def items(run: AsyncIterator[Item]) -> list[Item]:
    """Everything that a look finds."""

    async def collect() -> list[Item]:
        return [item async for item in run]

    return asyncio.run(collect())


def one(run: AsyncIterator[Item]) -> Item:
    """The only thing that a look finds."""
    found = items(run)
    assert len(found) == 1, found
    return found[0]
