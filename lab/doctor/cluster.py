"""Checks of a cluster that is there: the kubeconfig, whether it answers, and whether it is as the stack file says."""

import json
import re
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from domain import k3s, nodes
from lab.doctor import kubeconfig
from lab.doctor.certificates import SOON_DAYS
from lab.doctor.command import Answer, ask, find
from lab.doctor.context import Context
from lab.doctor.finding import Finding, failed, not_checked, ok, warning
from settings import Settings, files
from settings.cluster import ClusterSettings, DualStackClusterSettings, K3sClusterSettings

SECONDS = 5
_SUBJECT = "cluster"
# What kubectl says, and why; the first that fits.
_CAUSES = (
    (
        r"connection refused|ECONNREFUSED",
        "nothing listens at {server}: the cluster does not run, or has another address",
    ),
    (r"no such host", "no address is known for {server}"),
    (
        r"i/o timeout|deadline exceeded|Client\.Timeout|no answer within",
        "{server} does not answer: it is off, or behind a firewall",
    ),
    (r"no route to host|network is unreachable", "this machine has no way to {server}"),
    (r"certificate has expired|not yet valid", "a certificate of {server}, or of the kubeconfig, is not valid now"),
    (
        r"x509|certificate signed by unknown",
        "{server} is another cluster than the kubeconfig's: its certificate does not fit",
    ),
    (r"Unauthorized|provide credentials|forbidden|Forbidden", "{server} does not let the kubeconfig's user in"),
    (r"executable .* not found|exec: ", "the kubeconfig gets its login from a program that is not here"),
)


class Kubectl:
    """Asks the cluster of a kubeconfig for single answers: nothing is kept in a cache, nobody is asked for a password."""

    def __init__(self, file: Path, context: str | None) -> None:
        self._file = file
        self._chosen = ["--context", context] if context else []

    def command(self, *arguments: str) -> str:
        """What a person would type."""
        return " ".join(["kubectl", "--kubeconfig", str(self._file), *self._chosen, *arguments])

    async def raw(self, path: str) -> Answer:
        """One document of the API. OSError when there is no kubectl."""
        command = ["kubectl", "--kubeconfig", str(self._file), *self._chosen, f"--request-timeout={SECONDS}s"]
        return await ask(find("kubectl") or command[0], *command[1:], "get", "--raw", path, seconds=SECONDS + 2)


def brought(settings: Settings, project: Path) -> Kubectl | None:
    """The cluster that the stack file brings; None where the lab makes one."""
    cluster = settings.cluster
    if not isinstance(cluster, ClusterSettings | DualStackClusterSettings):
        return None
    return Kubectl(project / files.expanded(cluster.kubeconfig), cluster.context)


async def find_nodes(kubectl: Kubectl | None) -> Sequence[nodes.Node] | None:
    """The nodes of a cluster that answers."""
    if kubectl is None:
        return None
    try:
        answer = await kubectl.raw("/api/v1/nodes")
        return nodes.parse(answer.text) if answer.status == 0 else None
    except (OSError, ValueError, KeyError):
        return None


async def expected_nodes(settings: Settings, kubectl: Kubectl | None) -> Sequence[nodes.Node] | None:
    """The nodes of a cluster that answers, or the one that k3s will make on the machine that the stack file names."""
    cluster = settings.cluster
    if not isinstance(cluster, K3sClusterSettings):
        return await find_nodes(kubectl)
    try:
        address = str(ip_address(str(cluster.address or cluster.host)))
    except ValueError:
        return None
    server = k3s.Server(
        host=cluster.host, address=address, pod_network=cluster.pod_cidr, service_network=cluster.service_cidr
    )
    return [k3s.first_node(server)]


async def check(context: Context) -> AsyncIterator[Finding]:
    """The kubeconfig first, then what the cluster says."""
    cluster, kubectl = context.settings.cluster, brought(context.settings, context.project)
    if kubectl is None or not isinstance(cluster, ClusterSettings | DualStackClusterSettings):
        return
    if context.waits:
        yield not_checked("cluster.reach", _SUBJECT, context.waits, "make up")
        return
    file = context.project / files.expanded(cluster.kubeconfig)
    if not file.is_file():
        yield not_checked("cluster.kubeconfig", _SUBJECT, f"there is no {file}")
        return
    try:
        used = kubeconfig.read(file, cluster.context)
    except ValueError as error:
        following = f"kubectl --kubeconfig {file} config get-contexts"
        yield failed("cluster.kubeconfig", _SUBJECT, str(error), following)
        return
    yield _kubeconfig(used, file)
    try:
        version = await kubectl.raw("/version")
    except OSError as error:
        yield not_checked("cluster.reach", _SUBJECT, f"kubectl cannot be run: {error}", "make tools")
        return
    if version.status != 0:
        yield _unreachable(used.server, version, kubectl)
        return
    yield ok("cluster.reach", _SUBJECT, f"{used.server} answers: Kubernetes {_version(version.text)}")
    async for finding in _ranges(context, kubectl):
        yield finding


def _kubeconfig(used: kubeconfig.Kubeconfig, file: Path) -> Finding:
    check, end = "cluster.kubeconfig", used.certificate_end
    if end is None:
        return ok(check, _SUBJECT, f"context {used.context} of {file.name}")
    days, following = (end - datetime.now(UTC)).days, f"get a new kubeconfig of the cluster and put it at {file}"
    if end <= datetime.now(UTC):
        return failed(check, _SUBJECT, f"its client certificate expired on {end:%Y-%m-%d}", following)
    if days < SOON_DAYS:
        cause = f"its client certificate ends on {end:%Y-%m-%d}, in {days} days"
        return warning(check, _SUBJECT, cause, following)
    return ok(check, _SUBJECT, f"context {used.context} of {file.name}, good until {end:%Y-%m-%d}")


def _unreachable(server: str, answer: Answer, kubectl: Kubectl) -> Finding:
    return failed("cluster.reach", _SUBJECT, why_silent(server, answer.fault), kubectl.command("get", "nodes"))


def why_silent(server: str, fault: str) -> str:
    """Why the API at that URL does not answer, from what kubectl has said."""
    said = fault.strip().splitlines()[-1:] or ["no answer"]
    found = next((words for pattern, words in _CAUSES if re.search(pattern, fault)), "{server}: " + said[0])
    return found.replace("{server}", server)


def _version(text: str) -> str:
    try:
        return str(json.loads(text)["gitVersion"])
    except (ValueError, KeyError, TypeError):
        return "of an unknown version"


def skew(client: str, server: str) -> int | None:
    """How many minor versions kubectl and the cluster are apart; None when one of them says no version."""
    try:
        return abs(Version(client).minor - Version(server.removeprefix("v").split("+")[0]).minor)
    except InvalidVersion:
        return None


async def _ranges(context: Context, kubectl: Kubectl) -> AsyncIterator[Finding]:
    found = await context.nodes()
    check, cluster = "cluster.ranges", context.settings.cluster
    if found is None:
        yield failed(
            "cluster.nodes",
            _SUBJECT,
            "it has no node that can be reached",
            kubectl.command("get", "nodes", "-o", "wide"),
        )
        return
    wrong = False
    for node in found:
        outside = [cidr for cidr in node.pod_cidrs if not nodes.within(cidr, cluster.pod_networks)]
        for cidr in outside:
            wrong = True
            ranges = " and ".join(str(network) for network in cluster.pod_networks)
            cause = f"node {node.name} has pods in {cidr}, outside of {ranges}: devices would not reach them through the mesh"
            yield failed(check, f"node {node.name}", cause, "correct cluster.pod-cidr in the stack file")
    address = _cluster_ip((await kubectl.raw("/api/v1/namespaces/default/services/kubernetes")).text)
    if address is not None and not any(ip_address(address) in network for network in cluster.service_networks):
        wrong = True
        ranges = " and ".join(str(network) for network in cluster.service_networks)
        cause = f"the Service kubernetes has the address {address}, outside of {ranges}"
        yield failed(check, _SUBJECT, cause, "correct cluster.service-cidr in the stack file")
    if not wrong:
        yield ok(
            check,
            _SUBJECT,
            f"{len(found)} node{'s' * (len(found) != 1)}, pods and Services in the ranges of the stack file",
        )


def _cluster_ip(text: str) -> str | None:
    try:
        document: dict[str, Any] = json.loads(text)
        return str(ip_address(document["spec"]["clusterIP"]))
    except (ValueError, KeyError, TypeError):
        return None
