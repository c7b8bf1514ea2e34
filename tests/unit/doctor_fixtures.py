"""A stack file and what `lab doctor` makes of it, without a lab."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from domain.nodes import Node
from lab.doctor import configuration
from lab.doctor.context import Context
from lab.doctor.finding import Finding
from lab.doctor.once import Once
from lab.doctor.state import State

STACK = "here"


def write_stack(project: Path, stack: str = STACK, lab: str = "twin", **keys: Any) -> Path:
    """A stack file of that lab, with the settings given by name."""
    values = {"lab": lab, **({"cluster": {"kubeconfig": "kubeconfig"}} if lab == "twin" else {}), **keys}
    file = project / "stacks" / f"Pulumi.{stack}.yaml"
    file.parent.mkdir(exist_ok=True)
    config = {f"mesh-expansion:{name.replace('_', '-')}": value for name, value in values.items()}
    file.write_text(yaml.safe_dump({"config": config}))
    return file


def context_of(
    project: Path, *, nodes: Sequence[Node] | None = None, state: State | None = None, waits: str = "", **keys: Any
) -> Context:
    """What the checks of such a stack are given."""
    write_stack(project, **keys)
    written = configuration.read(STACK, project)
    assert written.settings is not None

    async def found() -> Sequence[Node] | None:
        return nodes

    return Context(
        project=project,
        stack=STACK,
        configuration=written,
        settings=written.settings,
        state=state or State(),
        nodes=Once(found),
        gate=asyncio.Semaphore(10),
        waits=waits,
    )


def findings(run: AsyncIterator[Finding]) -> list[Finding]:
    """Everything that a check finds."""

    async def collect() -> list[Finding]:
        return [finding async for finding in run]

    return asyncio.run(collect())


def one(run: AsyncIterator[Finding]) -> Finding:
    """The only thing that a check finds."""
    found = findings(run)
    assert len(found) == 1, found
    return found[0]


def program(directory: Path, name: str, body: str) -> Path:
    """A program that stands for the real one."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / name
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return file


def node(name: str = "n0", address: str = "192.0.2.10", pods: str = "10.42.0.0/24") -> dict[str, Any]:
    """A node as the API shows it."""
    return {
        "metadata": {"name": name},
        "spec": {"podCIDRs": [pods]},
        "status": {"addresses": [{"type": "InternalIP", "address": address}]},
    }


def node_list(*items: dict[str, Any]) -> str:
    return json.dumps({"items": list(items)})
