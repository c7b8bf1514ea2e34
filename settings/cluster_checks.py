"""Checks of the cluster, in the words of the stack file."""

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network
from itertools import combinations
from pathlib import Path

import versions
from domain import workloads
from domain.problem import Problem
from settings import files
from settings.check import Check
from settings.cluster import (
    ClusterSettings,
    DualStackClusterSettings,
    K3dClusterSettings,
    K3sClusterSettings,
    KindClusterSettings,
)
from settings.model import Settings

_K3S = re.compile(r"v1\.\d{1,3}\.\d{1,3}\+k3s\d{1,2}")
_NETWORK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_LONGEST_K3D_NAME = 32

Network = IPv4Network | IPv6Network


def _kubeconfig(settings: Settings, project: Path) -> Iterator[Problem]:
    cluster = settings.cluster
    if isinstance(cluster, ClusterSettings | DualStackClusterSettings) and not files.is_file(
        project, cluster.kubeconfig
    ):
        yield Problem(
            "cluster.kubeconfig",
            f"no file at {cluster.kubeconfig!r}",
            "a kubeconfig, at a path from the project's directory",
            "for the twin run `make twin`, which starts its cluster; else correct the path",
        )


def _ranges(settings: Settings, _project: Path) -> Iterator[Problem]:
    """No address means two things, and every family that pods have Services have too."""
    cluster = settings.cluster
    plural = "s" if isinstance(cluster, DualStackClusterSettings | KindClusterSettings) else ""
    named = [
        *((f"cluster.pod-cidr{plural}", network) for network in cluster.pod_networks),
        *((f"cluster.service-cidr{plural}", network) for network in cluster.service_networks),
    ]
    if isinstance(cluster, K3dClusterSettings):
        named.append(("cluster.subnet", cluster.subnet))
    if isinstance(cluster, KindClusterSettings):
        named += [("cluster.load-balancer-addresses", network) for network in cluster.load_balancer_addresses]
    for (first_key, first), (second_key, second) in combinations(named, 2):
        if first.version == second.version and first.overlaps(second):
            yield Problem(
                second_key,
                f"{second} overlaps with {first} of {first_key}",
                "ranges that share no address",
                "move one of them",
            )
    if plural:
        yield from _both_families("cluster.pod-cidrs", cluster.pod_networks)
        yield from _both_families("cluster.service-cidrs", cluster.service_networks)


def _both_families(key: str, networks: Sequence[Network]) -> Iterator[Problem]:
    if {network.version for network in networks} != {4, 6} or len(networks) != len({4, 6}):
        yield Problem(
            key,
            " and ".join(map(str, networks)),
            "one IPv4 range and one IPv6 range: this lab has both families",
            "add the one that is missing",
        )


def _k3d(settings: Settings, _project: Path) -> Iterator[Problem]:
    cluster = settings.cluster
    if not isinstance(cluster, K3dClusterSettings):
        return
    yield from _name(cluster.name, _LONGEST_K3D_NAME)
    if not _NETWORK.fullmatch(cluster.network):
        yield Problem(
            "cluster.network",
            repr(cluster.network),
            "a name that Docker takes: letters, digits, dots, hyphens and underscores, no hyphen first",
            "rename it",
        )
    if cluster.subnet.version != 4:
        yield Problem(
            "cluster.subnet", str(cluster.subnet), "an IPv4 range: k3d knows no other", "for example 172.30.0.0/24"
        )
    if cluster.http_port == cluster.https_port:
        yield Problem(
            "cluster.https-port",
            f"{cluster.https_port}, which is cluster.http-port too",
            "a port of its own",
            "change one of them",
        )


def _kind(settings: Settings, _project: Path) -> Iterator[Problem]:
    cluster = settings.cluster
    if isinstance(cluster, KindClusterSettings):
        yield from _name(cluster.name, 63)
        yield from _both_families("cluster.load-balancer-addresses", cluster.load_balancer_addresses)


def _k3s(settings: Settings, project: Path) -> Iterator[Problem]:
    cluster = settings.cluster
    if not isinstance(cluster, K3sClusterSettings):
        return
    if not _K3S.fullmatch(cluster.version):
        yield Problem(
            "cluster.version",
            repr(cluster.version),
            "a release of k3s",
            f"for example {versions.K3S}",
        )
    elif cluster.version != versions.K3S and not cluster.sha256 and cluster.artefact is None:
        yield Problem(
            "cluster.sha256",
            f"it is not set, and {cluster.version} is not the release whose checksums this program has",
            "the SHA-256 of the program for the machine's architecture, from the release's sha256sum-ARCHITECTURE.txt",
            f"set it, or take cluster.version out: it is {versions.K3S} then",
        )
    if cluster.artefact is not None and not files.is_file(project, cluster.artefact):
        yield Problem(
            "cluster.artefact",
            f"no file at {cluster.artefact!r}",
            "the k3s program, at a path from the project's directory",
            "download it from the release and compare its checksum, or leave the key out so that the machine downloads it",
        )


def _name(name: str, longest: int) -> Iterator[Problem]:
    if not workloads.is_label(name) or len(name) > longest:
        yield Problem(
            "cluster.name",
            repr(name),
            f"small letters, digits and hyphens, a letter first, {longest} characters at most",
            "rename it",
        )


CHECKS: tuple[Check, ...] = (
    (_kubeconfig, {"cluster"}),
    (_ranges, {"cluster"}),
    (_k3d, {"cluster"}),
    (_kind, {"cluster"}),
    (_k3s, {"cluster"}),
)
