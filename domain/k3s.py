"""k3s on one machine: which program, its configuration, and the texts that are sent to the machine's shell."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote

import yaml

from domain.nodes import Node
from domain.shell import assignments, closed
from domain.workloads import Network

DATA = "/var/lib/mesh-expansion-k3s"
PUSHED = f"{DATA}/incoming/k3s"
RELEASES = "https://github.com/k3s-io/k3s/releases/download"
START_SECONDS = 300  # an SD card is slow, and pods of the cluster itself are fetched
_ASSETS_BY_ARCHITECTURE = {"amd64": "k3s", "arm64": "k3s-arm64"}
_NODE_BITS = {4: 24, 6: 64}  # of the part of the pod network that a node gets
_VERSION = re.compile(r"v\d+\.\d+\.\d+(-[0-9a-z.]+)?\+k3s\d+")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# No machine whose clock stands before this has the right time; the upper end is beyond all that the lab issues.
_NOT_BEFORE = int(datetime(2025, 12, 1, tzinfo=UTC).timestamp())
_NOT_AFTER = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())


@dataclass(frozen=True, kw_only=True)
class Release:
    """`sha256` is the program's checksum by architecture (`amd64`, `arm64`); `source` where each is."""

    version: str
    sha256: Mapping[str, str]
    source: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Server:
    """The one server of a cluster. `host` is how others reach it; `address` its InternalIP, None when k3s shall choose."""

    host: str
    address: str | None
    pod_network: Network
    service_network: Network


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a machine must fit. `cluster` names whose it is; `node_ports` must be free on it."""

    cluster: str
    architectures: Sequence[str]
    node_ports: Sequence[int]
    adopt: bool
    enable_cgroups: bool


@dataclass(frozen=True, kw_only=True)
class Scripts:
    """Functions of the scripts by what is done with them, and the files `remove` and the unit."""

    prepare: str
    converge: str
    read: str
    remove: str
    unit: str


def downloaded(version: str, sha256: Mapping[str, str], mirror: str | None = None) -> Release:
    """A release that the machine fetches: from the official place, or from `mirror` with the same paths.

    Raises ValueError; the message names the value, what is expected and the fix.
    """
    base = (mirror or RELEASES).rstrip("/")
    if not base.startswith("https://"):
        raise ValueError(f"mirror: {base!r} is not fetched over https; expected an https URL; fix: use one")
    _check_version(version)
    unknown = sorted(sha256.keys() - _ASSETS_BY_ARCHITECTURE.keys())
    if unknown or not sha256:
        raise ValueError(
            f"sha256: {', '.join(unknown) or 'none'} given; expected checksums for {' or '.join(_ASSETS_BY_ARCHITECTURE)}; "
            f"fix: take them from sha256sum-ARCHITECTURE.txt of {version}"
        )
    for architecture, checksum in sha256.items():
        _check_checksum(checksum, f"sha256.{architecture}")
    return Release(
        version=version,
        sha256=sha256,
        source={
            architecture: f"{base}/{quote(version, safe='')}/{_ASSETS_BY_ARCHITECTURE[architecture]}"
            for architecture in sha256
        },
    )


def pushed(version: str, sha256: str) -> Release:
    """A release whose program is pushed; the machine finds out whether it can run it. Raises ValueError."""
    _check_version(version)
    _check_checksum(sha256, "sha256")
    architectures = tuple(_ASSETS_BY_ARCHITECTURE)
    return Release(
        version=version,
        sha256=dict.fromkeys(architectures, sha256),
        source=dict.fromkeys(architectures, f"pushed:{PUSHED}"),
    )


def first_node(server: Server) -> Node:
    """The node that k3s makes on its server, as far as it is known without asking."""
    network: Any = server.pod_network  # of either family: what it is cut into is of the same
    first = next(network.subnets(new_prefix=max(_NODE_BITS[network.version], network.prefixlen)))
    addresses = (ip_address(server.address),) if server.address else ()
    return Node(name=server.host, addresses=addresses, pod_cidrs=(first,))


def server_settings(server: Server) -> str:
    """The text of /etc/rancher/k3s/config.yaml; the same server gives the same text."""
    names = list(dict.fromkeys([server.host, *([server.address] if server.address else [])]))
    content: dict[str, object] = {
        "cluster-cidr": str(server.pod_network),
        "disable": ["traefik", "metrics-server"],
        **({"node-ip": server.address} if server.address else {}),
        "service-cidr": str(server.service_network),
        "tls-san": names,
        "write-kubeconfig-mode": "0600",
    }
    return yaml.safe_dump(content, sort_keys=True)


def prepare_stdin(machine: Machine, scripts: Scripts) -> str:
    """What is sent to `sh -s` to check the machine and make it ready; it answers with one JSON line."""
    return closed(
        scripts.prepare, f"{assignments(preflight_values(machine))}prepare_k3s <<'REMOVE'\n{scripts.remove}REMOVE\n"
    )


def preflight_values(machine: Machine) -> dict[str, str]:
    """The variables that the checks of a machine read."""
    return {
        "CLUSTER": machine.cluster,
        "ADOPT": _word(machine.adopt),
        "ENABLE_CGROUPS": _word(machine.enable_cgroups),
        "ARCHITECTURES": " ".join(machine.architectures),
        "PUSHED": "",
        "NODE_PORTS": " ".join(str(port) for port in machine.node_ports),
        "NOT_BEFORE": str(_NOT_BEFORE),
        "NOT_AFTER": str(_NOT_AFTER),
    }


def converge_stdin(release: Release, server: Server, scripts: Scripts, registries: str = "") -> str:
    """What is sent to `sh -s` to make k3s on the machine as it shall be; `registries` is the text of registries.yaml."""
    programs = [
        f"{architecture} {release.sha256[architecture]} {release.source[architecture]}"
        for architecture in sorted(release.sha256)
    ]
    values = {
        "VERSION": release.version,
        "PROGRAMS": "\n".join(programs),
        "SECONDS_TO_WAIT": str(START_SECONDS),
        "SETTINGS": server_settings(server),
        "REGISTRIES": registries,
        "UNIT": scripts.unit,
    }
    return closed(scripts.converge, f"{assignments(values)}converge_k3s\n")


def read_stdin(scripts: Scripts) -> str:
    """What is sent to `sh -s` to get the kubeconfig, after a line that says which cluster it is."""
    return closed(scripts.read, f"SECONDS_TO_WAIT={START_SECONDS}\nread_k3s\n")


def remove_command(*, keep: bool, sudo: bool) -> str:
    """The command that takes k3s out; with `keep` all but what this program keeps there. Nothing there is success."""
    file = f"{DATA}/remove"
    return f"if test -f {file}; then {'sudo -n ' if sudo else ''}sh {file}{' k3s' if keep else ''}; fi"


def _check_version(version: str) -> None:
    if not _VERSION.fullmatch(version):
        raise ValueError(f"version: {version!r} is no release of k3s; expected one like v1.34.3+k3s1; fix: correct it")


def _check_checksum(text: str, what: str) -> None:
    if not _SHA256.fullmatch(text):
        raise ValueError(
            f"{what}: {text!r} is no SHA-256; expected 64 lower-case hex digits; fix: take it from sha256sum"
        )


def _word(value: bool) -> str:
    return "yes" if value else "no"
