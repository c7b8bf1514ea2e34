"""Checks across keys: each returns what is wrong in the words of the stack file."""

from collections.abc import Collection, Iterator
from pathlib import Path

from packaging.version import InvalidVersion, Version

import versions
from domain import certificates, linkerd, workloads
from domain.problem import Problem
from settings import (
    apps_checks,
    cluster_checks,
    docker_checks,
    edge_checks,
    policy_checks,
    ssh_checks,
    topology_checks,
    traffic_checks,
)
from settings.asked import faces_plan, workload_list
from settings.check import Check
from settings.model import Settings
from settings.traffic_checks import route_list

__all__ = ["faces_plan", "problems", "route_list", "workload_list"]


def problems(settings: Settings, project: Path, unusable: Collection[str] = ()) -> list[Problem]:
    """Everything that types alone do not catch. Reads no network; looks whether files that are named exist.

    `unusable` names the keys of the top level that do not hold what the operator wrote: what reads them is left out.
    """
    found: list[Problem] = []
    for check, keys in (
        *cluster_checks.CHECKS,
        *_CHECKS,
        *traffic_checks.CHECKS,
        *apps_checks.CHECKS,
        *policy_checks.CHECKS,
        *edge_checks.CHECKS,
        *docker_checks.CHECKS,
        *ssh_checks.CHECKS,
        *topology_checks.CHECKS,
    ):
        if not set(unusable) & keys:
            found += check(settings, project)
    return found


def _trust(settings: Settings, _project: Path) -> Iterator[Problem]:
    trust = settings.trust
    if trust.own:
        if settings.trust_issuer_key is None:
            yield Problem(
                "trust-issuer-key",
                "it is not set, but trust.own is",
                "the private key of trust.own.issuer",
                "pulumi config set --secret trust-issuer-key < issuer.key",
            )
        else:
            yield from certificates.problems(
                certificates.Brought(
                    anchors=trust.own.anchors, issuer=trust.own.issuer, issuer_key=settings.trust_issuer_key
                )
            )
        return
    if settings.trust_issuer_key is not None:
        yield Problem(
            "trust-issuer-key",
            "it is set, but trust.own is not (its value is not shown)",
            "a key only together with the certificates that belong to it",
            "set trust.own.anchors and trust.own.issuer, or `pulumi config rm trust-issuer-key`",
        )
    if trust.issuer_days >= trust.root_days:
        yield Problem(
            "trust.issuer-days",
            f"{trust.issuer_days} days, while a trust anchor lives {trust.root_days} days",
            "an issuer that ends before the trust anchor that signed it",
            f"set trust.issuer-days below {trust.root_days}, or raise trust.root-days",
        )
    if len(set(trust.roots)) != len(trust.roots):
        yield Problem(
            "trust.roots",
            f"{trust.roots} names a generation twice",
            "each generation once",
            "remove the second mention",
        )
    if trust.issuing_root not in trust.roots:
        yield Problem(
            "trust.issuing-root",
            f"generation {trust.issuing_root} is not among trust.roots {trust.roots}",
            "one of the trust anchors that proxies trust",
            "add it to trust.roots first, so that every proxy knows it before it signs",
        )


def _linkerd(settings: Settings, _project: Path) -> Iterator[Problem]:
    version = settings.linkerd.version
    try:
        release = linkerd.EdgeRelease.parse(version)
    except ValueError:
        yield Problem(
            "linkerd.version",
            repr(version),
            "an edge release: edge-YEAR.MONTH.NUMBER",
            f"for example {versions.LINKERD}, which this program was tested with",
        )
        return
    if refused := linkerd.refusal(release, versions.LINKERD_FLOOR, versions.LINKERD_KNOWN_BAD):
        yield Problem("linkerd.version", version, *refused)
        return
    try:
        gateway_api = Version(settings.gateway_api.version)
    except InvalidVersion:
        yield Problem(
            "gateway-api.version",
            repr(settings.gateway_api.version),
            "a version of the Gateway API",
            f"for example {versions.GATEWAY_API}",
        )
        return
    lowest, highest = linkerd.gateway_api_range(release, versions.GATEWAY_API_RANGES)
    if not Version(lowest) <= gateway_api <= Version(highest):
        yield Problem(
            "gateway-api.version",
            f"{gateway_api}, with Linkerd {version}",
            f"{lowest} to {highest}, the range that this Linkerd reads",
            f"set gateway-api.version to {versions.GATEWAY_API}, which Linkerd recommends",
        )


def _faces(settings: Settings, _project: Path) -> Iterator[Problem]:
    try:
        major = Version(settings.faces.chart_version).major
    except InvalidVersion:
        major = None
    if major not in (1, 2):
        yield Problem(
            "faces.chart-version",
            repr(settings.faces.chart_version),
            "a version of faces-chart, 1.x or 2.x",
            f"for example {versions.FACES_CHART}",
        )
    served = {workload.service for workload in workload_list(settings)}
    for part in settings.faces.on_edge:
        if part not in served:
            yield Problem(
                "faces.on-edge",
                f"{part} is to run on the edge, but no workload stands behind its Service",
                f"a workload with `service: {part}` (or that name)",
                f"add one under workloads, or take {part} out of faces.on-edge",
            )


def _workloads(settings: Settings, _project: Path) -> Iterator[Problem]:
    for index, workload in enumerate(settings.workloads):
        for key, value in (("name", workload.name), ("service", workload.service or workload.name)):
            if not workloads.is_label(value):
                yield Problem(
                    f"workloads[{index}].{key}",
                    repr(value),
                    "a DNS label: small letters, digits and hyphens, a letter first, 63 characters at most",
                    "rename it: the name is part of a SPIFFE ID and of a host name",
                )
        families = [address.version for address in workload.addresses]
        if len(set(families)) != len(families):
            yield Problem(
                f"workloads[{index}].addresses",
                f"two addresses of family IPv{families[0]}",
                "one IPv4 address, one IPv6 address, or one of each",
                "give the second machine a workload of its own with the same `service`",
            )
    yield from workloads.collisions(
        workload_list(settings),
        [
            *(("pod range", network) for network in settings.cluster.pod_networks),
            *(("service range", network) for network in settings.cluster.service_networks),
        ],
    )


# Each with the keys of the top level that it reads.
_CHECKS: tuple[Check, ...] = (
    (_trust, {"trust", "trust-issuer-key"}),
    (_linkerd, {"linkerd", "gateway-api"}),
    (_faces, {"faces", "workloads"}),
    (_workloads, {"workloads", "cluster"}),
)
