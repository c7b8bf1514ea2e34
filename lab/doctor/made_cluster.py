"""Checks of a cluster that the lab makes itself: is its name free, or is it this lab's own? Can its machine run it?"""

from collections.abc import AsyncIterator

from domain import k3d, k3s, kind
from domain.look import k3s_stdin
from lab.doctor import machine
from lab.doctor.command import ask, find
from lab.doctor.context import Context
from lab.doctor.devices import way_in
from lab.doctor.finding import Finding, failed, not_checked, ok
from settings.cluster import K3dClusterSettings, K3sClusterSettings, KindClusterSettings

CHECK = "cluster.made"
_SECONDS = 15.0
_ARCHITECTURES = ("amd64", "arm64")


async def check_k3d(context: Context, wanted: K3dClusterSettings) -> AsyncIterator[Finding]:
    """What is there under the name of the cluster."""
    subject, program = f"k3d cluster {wanted.name}", find("k3d")
    if program is None:
        yield not_checked(CHECK, subject, "there is no k3d to ask")
        return
    answer = await ask(program, "cluster", "list", "--output", "json", seconds=_SECONDS)
    try:
        there = k3d.named(k3d.clusters(answer.text), wanted.name)
    except ValueError as error:
        said = answer.fault.strip().splitlines()[-1:] or [str(error)]
        yield not_checked(CHECK, subject, f"k3d says nothing of its clusters: {said[0]}", "k3d cluster list")
        return
    problems = k3d.problems(
        there, name=wanted.name, network=wanted.network, mark=context.state.mark, adopt=wanted.adopt
    )
    for problem in problems:
        yield failed(CHECK, subject, f"{problem.key}: {problem.found}; expected {problem.expected}", problem.fix)
    if there is None:
        yield ok(CHECK, subject, "no cluster of that name is there; `up` makes it")
    elif not problems:
        yield ok(CHECK, subject, "it is there, and runs")


async def check_kind(context: Context, wanted: KindClusterSettings) -> AsyncIterator[Finding]:
    """What is there under the name of the cluster; whose it is can be told from the state alone."""
    subject, program = f"kind cluster {wanted.name}", find("kind")
    if program is None:
        yield not_checked(CHECK, subject, "there is no kind to ask")
        return
    answer = await ask(program, "get", "clusters", seconds=_SECONDS)
    if answer.status != 0:
        said = answer.fault.strip().splitlines()[-1:] or [f"it ended with {answer.status}"]
        yield not_checked(CHECK, subject, f"kind says nothing of its clusters: {said[0]}", "kind get clusters")
    elif wanted.name not in answer.text.split():
        yield ok(CHECK, subject, "no cluster of that name is there; `up` makes it")
    elif context.state.mark or wanted.adopt:
        yield ok(CHECK, subject, "it is there")
    else:
        # Every mark is another one than that of a stack that has none yet.
        for problem in kind.problems(kind.KindCluster(mark="", made=""), name=wanted.name, mark=None, adopt=False):
            yield failed(CHECK, subject, f"{problem.key}: {problem.found}; expected {problem.expected}", problem.fix)


async def check_k3s(context: Context, wanted: K3sClusterSettings) -> AsyncIterator[Finding]:
    """The machine that k3s is to run on."""
    settings, subject = context.settings, f"cluster machine {wanted.host}"
    if wanted.gone:
        yield not_checked("ssh.reach", subject, "it is marked as gone, and is not asked any more")
        return
    where = (wanted.host, wanted.port or settings.ssh.port, wanted.user or settings.ssh.user)
    at = way_in(context).to(subject=subject, key="cluster", where=where, host_key=wanted.host_key)
    described = k3s.Machine(
        cluster=f"{settings.lab}-{context.stack}",
        architectures=_ARCHITECTURES,
        node_ports=[settings.edge.dns_port, settings.spire.server_port],
        adopt=wanted.adopt,
        enable_cgroups=wanted.enable_cgroups,
    )
    async for said in machine.look(at, k3s_stdin(described, machine.k3s_functions()), context.gate):
        if isinstance(said, Finding):
            yield said
            continue
        for finding in said.findings:
            yield finding
        yield ok("device.machine", subject, machine.said(said.facts))
