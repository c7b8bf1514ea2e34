"""Checks of how machines are reached over SSH, in the words of the stack file."""

import os
import re
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from domain import host_keys
from domain.problem import Problem, shown
from settings import explanation, files
from settings.check import Check
from settings.cluster import K3sClusterSettings
from settings.edge_checks import host, known_key
from settings.model import Settings

_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*\.?")


class _Machine(NamedTuple):
    """One that is asked: `key` is where the stack file says so, `whose` who else has it."""

    key: str
    whose: str
    host: str
    port: int
    host_key: str | None


def _machines(settings: Settings) -> Iterator[_Machine]:
    cluster, port = settings.cluster, settings.ssh.port
    if isinstance(cluster, K3sClusterSettings) and not cluster.gone:
        yield _Machine("cluster", "the cluster's machine", cluster.host, cluster.port or port, cluster.host_key)
    for index, workload in enumerate(settings.workloads):
        device = workload.device
        if device and not device.gone:
            key, whose = f"workloads[{index}].device", f"the device of workload {workload.name!r}"
            yield _Machine(key, whose, host(workload), device.port or port, device.host_key)


def _key(settings: Settings, project: Path) -> Iterator[Problem]:
    machines = list(_machines(settings))
    if not machines:
        return
    file = settings.ssh.private_key_file
    if file is not None and not files.is_file(project, file):
        yield Problem(
            "ssh.private-key-file",
            f"no file at {file!r}",
            "a private key, at a path from the project's directory",
            "correct the path, or `pulumi config set --secret ssh-private-key < FILE` instead",
        )
    if file is None and settings.ssh_private_key is None and "SSH_AUTH_SOCK" not in os.environ:
        count = "1 machine is" if len(machines) == 1 else f"{len(machines)} machines are"
        yield Problem(
            "ssh.private-key-file",
            f"it is not set, and no SSH agent runs here, but {count} reached over SSH",
            "a private key that they let in",
            "set it, or start an agent (`eval $(ssh-agent) && ssh-add`)",
        )


def _hosts(settings: Settings, _project: Path) -> Iterator[Problem]:
    seen: dict[tuple[str, int], str] = {}
    for machine in _machines(settings):
        place = (machine.host, machine.port)
        if place in seen:
            yield Problem(
                f"{machine.key}.host",
                f"{machine.host} port {machine.port} is {seen[place]} too",
                "one machine for one workload: all its traffic has one identity",
                "correct the host of one of them",
            )
        seen.setdefault(place, machine.whose)


def _names(settings: Settings, _project: Path) -> Iterator[Problem]:
    for machine in _machines(settings):
        if not _HOST.fullmatch(machine.host) and not _is_address(machine.host):
            yield Problem(
                f"{machine.key}.host",
                shown(machine.host),
                "a host name or an address",
                "for example pi-1.local",
            )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _host_keys(settings: Settings, project: Path) -> Iterator[Problem]:
    for machine in _machines(settings):
        given = machine.host_key
        if given is not None and host_keys.parsed(given) is None and not explanation.is_private_key(given):
            yield Problem(
                f"{machine.key}.host-key",
                f"{given[:40]!r} is no public key",
                "the machine's public host key, such as `ssh-ed25519 AAAA...`",
                "copy the line from /etc/ssh/ssh_host_ed25519_key.pub on the machine",
            )
        elif given is None and known_key(settings, machine.host, machine.port, project) is None:
            yield Problem(
                f"{machine.key}.host-key",
                f"no host key of {machine.host} is known: neither here nor in {settings.ssh.known_hosts}",
                "a host key, so that nobody can stand in for the machine",
                f"`ssh {machine.host}` once and compare the fingerprint it shows with the machine's, or set host-key",
            )


CHECKS: tuple[Check, ...] = (
    (_key, {"ssh", "ssh-private-key", "workloads", "cluster"}),
    (_names, {"workloads", "cluster"}),
    (_hosts, {"workloads", "ssh", "cluster"}),
    (_host_keys, {"workloads", "ssh", "cluster"}),
)
