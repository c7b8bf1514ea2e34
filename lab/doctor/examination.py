"""One run of `lab doctor`: read what is written, run the lab's checks, report."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

from lab import paths, recovery, twin_lab
from lab.doctor import cluster, configuration, registry, ssh, state
from lab.doctor.check import Check, run_all
from lab.doctor.configuration import Configuration
from lab.doctor.context import Context
from lab.doctor.finding import Finding
from lab.doctor.once import Once
from lab.doctor.report import Report
from lab.twin.cluster import Cluster
from settings import Settings

SECONDS = 60.0


def examine(stack: str, seconds: float = SECONDS, project: Path = paths.CHECKOUT) -> Report:
    """Everything that can be found out about a stack within `seconds`. Changes nothing. Raises NoStackFile."""
    return asyncio.run(_examine(stack, seconds, project))


async def _examine(stack: str, seconds: float, project: Path) -> Report:
    begun = time.monotonic()
    waits = _twin_waits() if stack == twin_lab.STACK else ""
    written = configuration.read(stack, project, makes=paths.twin() if waits else None)
    known = state.read(stack)
    checks = [
        _check("configuration", written.file.name, partial(configuration.check, written)),
        _check("state", f"stack {stack}", partial(state.check, written, known, recovery.held_locks(stack))),
        *registry.always(),
    ]
    lab = ""
    if (settings := written.settings) is not None and "lab" not in written.unusable:
        lab = settings.lab
        checks += registry.checks(_context(written, settings, known, project, waits))
    findings = await run_all(checks, seconds)
    return Report(stack=stack, lab=lab, findings=findings, seconds=time.monotonic() - begun)


def _context(written: Configuration, settings: Settings, known: state.State, project: Path, waits: str) -> Context:
    # What is not there yet, or not as the operator wrote it, is not asked.
    asked = not waits and "cluster" not in written.unusable
    kubectl = cluster.brought(settings, project) if asked else None
    find = partial(cluster.expected_nodes, settings, kubectl) if asked else partial(cluster.find_nodes, None)
    return Context(
        project=project,
        stack=written.stack,
        configuration=written,
        settings=settings,
        state=known,
        nodes=Once(find),
        gate=asyncio.Semaphore(ssh.AT_ONCE),
        waits=waits,
    )


def _twin_waits() -> str:
    """Why the twin cannot be looked at; empty when it runs."""
    stopped = [process.name for process in Cluster().status() if not process.pid]
    return f"the twin does not run ({', '.join(stopped)}); `make up` starts it" if stopped else ""


def _check(name: str, subject: str, run: Callable[[], AsyncIterator[Finding]]) -> Check:
    return Check(name=name, subject=subject, run=run)
