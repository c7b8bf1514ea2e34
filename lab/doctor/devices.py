"""Checks of the machines that a lab reaches over SSH."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from domain import certificates
from domain.device import Preflight
from domain.look import device_stdin
from lab.doctor import machine, programs
from lab.doctor.check import Check
from lab.doctor.context import Context
from lab.doctor.finding import Finding, not_checked, ok
from lab.doctor.once import Once
from lab.doctor.way_in import WayIn
from settings.checks import workload_list
from settings.model import WorkloadSettings

# What no clock of a working machine is outside of.
_LATEST = int(datetime(9999, 1, 1).timestamp())


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """One device: its place in the stack file, and what it must fit; the cluster's nodes are not known yet."""

    index: int
    workload: WorkloadSettings
    preflight: Preflight


def checks(context: Context) -> Iterator[Check]:
    """One for each machine."""
    if not context.usable("workloads", "ssh", "edge"):
        return
    settings = context.settings
    # The same for all of them, of whom there may be a thousand.
    pushed, validity = programs.pushed_architecture(settings, context.project), _validity(context)
    for index, (workload, described) in enumerate(zip(settings.workloads, workload_list(settings), strict=True)):
        if workload.device is None:
            continue
        preflight = Preflight(
            workload=described,
            nodes=(),
            not_before=validity[0],
            not_after=validity[1],
            architectures=(workload.device.architecture,) if workload.device.architecture else ("amd64", "arm64"),
            pushed=pushed,
            server_port=settings.spire.server_port if settings.spire.topology == "bundled" else None,
        )
        look = Once(partial(_look, context, _Asked(index=index, workload=workload, preflight=preflight)))
        context.looks.append(look)
        yield Check(name="ssh.reach", subject=f"device {workload.name}", run=partial(_each, look))


async def _look(context: Context, asked: _Asked) -> list[Finding]:
    return [finding async for finding in _check(context, asked)]


async def _each(look: Once[list[Finding]]) -> AsyncIterator[Finding]:
    for finding in await look():
        yield finding


async def _check(context: Context, asked: _Asked) -> AsyncIterator[Finding]:
    workload, subject = asked.workload, f"device {asked.workload.name}"
    if workload.device is not None and workload.device.gone:
        yield not_checked("ssh.reach", subject, "it is marked as gone, and is not asked any more")
        return
    if context.waits:
        yield not_checked("ssh.reach", subject, context.waits, "make up")
        return
    nodes = await context.nodes()
    addresses = tuple(address for node in nodes or () for address in node.addresses)
    preflight = replace(asked.preflight, nodes=addresses)
    edge = context.settings.edge
    script = device_stdin(
        preflight, [] if edge.artefacts else [item.url for item in edge.downloads], machine.functions()
    )
    async for said in machine.look(way_in(context).to_device(asked.index, workload), script, context.gate):
        if isinstance(said, Finding):
            yield said
            continue
        context.architectures[workload.name] = said.facts.get("architecture", "")
        for finding in said.findings:
            yield finding
        yield ok("device.machine", subject, machine.said(said.facts))
        if nodes is None:
            yield not_checked(
                "device.route", subject, "the nodes' addresses are not known: the cluster does not answer"
            )
        elif not any(finding.check == "device.route" for finding in said.findings):
            yield ok("device.route", subject, f"{_count(len(addresses), 'node')} on its own link")
        if not said.facts.get("member"):
            why = "whether it finds the cluster's names: it asks the cluster's DNS once it is in the mesh"
            yield not_checked("device.dns", subject, why)
        elif not any(finding.check == "device.dns" for finding in said.findings):
            yield ok("device.dns", subject, "it finds the cluster's names")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _validity(context: Context) -> tuple[int, int]:
    """Of the trust anchors, where they are known; `up` issues new ones else."""
    own = context.settings.trust.own
    anchors = own.anchors if own else context.state.outputs.get("trustAnchors")
    try:
        return certificates.validity(str(anchors)) if anchors else (0, _LATEST)
    except ValueError:
        return 0, _LATEST  # said by the check of the configuration


def way_in(context: Context) -> WayIn:
    """To the machines of the stack file."""
    encrypted = "ssh-private-key" in context.configuration.encrypted
    return WayIn(settings=context.settings, project=context.project, encrypted_key=encrypted)
