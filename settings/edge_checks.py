"""Checks of what runs outside the cluster, in the words of the stack file."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from domain import host_keys
from domain.device import is_loopback
from domain.problem import Problem
from settings.model import Settings, WorkloadSettings

# sshd's port stays usable whatever happens to the proxy; the others are the proxy's own.
_RESERVED_PORTS = {22: "SSH", 4140: "the proxy", 4143: "the proxy", 4190: "the proxy", 4191: "the proxy"}
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OURS = re.compile(r"LINKERD2_PROXY_.*|WORKLOAD_NAME|WORKLOAD_NAMESPACE|NODE_NAME|FACES_SERVICE")
_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*\.?")
_ADDRESS = re.compile(r"[0-9.]+")
_ARTEFACTS = ("linkerd2-proxy", "spire-agent")


def problems(settings: Settings, project: Path) -> list[Problem]:
    """Everything about devices and their identities. Reads files that are named, no network."""
    return [
        *_lifetimes(settings),
        *_own_trust(settings),
        *_files(settings, project),
        *_controllers(settings),
        *_workloads(settings),
        *_hosts(settings),
        *_host_keys(settings, project),
    ]


def provisioned(settings: Settings) -> list[WorkloadSettings]:
    """The workloads that this lab brings up itself."""
    return [workload for workload in settings.workloads if workload.device]


def host_key(settings: Settings, workload: WorkloadSettings, project: Path) -> str | None:
    """The host key to pin for the workload's device, as `TYPE BASE64`; None when none is known."""
    if workload.device is None:
        return None
    if workload.device.host_key is not None:
        return host_keys.parsed(workload.device.host_key)
    file = (project / Path(settings.ssh.known_hosts).expanduser()).resolve()
    try:
        return host_keys.known(
            file.read_text() if file.is_file() else "", host(workload), workload.device.port or settings.ssh.port
        )
    except ValueError:
        return None


def host(workload: WorkloadSettings) -> str:
    """Where SSH finds the workload's device."""
    named = workload.device.host if workload.device else None
    return named or str(workload.addresses[0])


def _lifetimes(settings: Settings) -> Iterator[Problem]:
    spire = settings.spire
    if spire.device_days >= spire.device_ca_days:
        yield Problem(
            "spire.device-days",
            f"{spire.device_days} days, while their authority lives {spire.device_ca_days} days",
            "certificates that end before the authority that signed them",
            f"set spire.device-days below {spire.device_ca_days}, or raise spire.device-ca-days",
        )
    if settings.trust.own is None and spire.upstream_days >= settings.trust.root_days:
        yield Problem(
            "spire.upstream-days",
            f"{spire.upstream_days} days, while a trust anchor lives {settings.trust.root_days} days",
            "an authority that ends before the trust anchor that signed it",
            f"set spire.upstream-days below {settings.trust.root_days}, or raise trust.root-days",
        )


def _own_trust(settings: Settings) -> Iterator[Problem]:
    own = settings.trust.own
    if own is None or not provisioned(settings):
        return
    if own.upstream is None:
        yield Problem(
            "trust.own.upstream",
            "it is not set, but workloads get their identities from this lab's SPIRE server",
            "the PEM of an authority of path length 1 or more, which one of trust.own.anchors signed",
            "issue one for SPIRE and set its key with `pulumi config set --secret trust-upstream-key < upstream.key`",
        )
    if settings.trust_upstream_key is None:
        yield Problem(
            "trust-upstream-key",
            "it is not set, but trust.own is, and workloads are to get identities",
            "the private key of trust.own.upstream",
            "pulumi config set --secret trust-upstream-key < upstream.key",
        )


def _files(settings: Settings, project: Path) -> Iterator[Problem]:
    devices = [workload for workload in settings.workloads if workload.device]
    if not devices:
        return
    key_file = settings.ssh.private_key_file
    if key_file is not None and not (project / Path(key_file).expanduser()).is_file():
        yield Problem(
            "ssh.private-key-file",
            f"no file at {key_file!r}",
            "a private key, at a path from the project's directory",
            "correct the path, or `pulumi config set --secret ssh-private-key < FILE` instead",
        )
    if key_file is None and settings.ssh_private_key is None and "SSH_AUTH_SOCK" not in os.environ:
        yield Problem(
            "ssh.private-key-file",
            f"it is not set, and no SSH agent runs here, but {len(devices)} devices are reached over SSH",
            "a private key that the devices let in",
            "set it, or start an agent (`eval $(ssh-agent) && ssh-add`)",
        )
    edge = settings.edge
    if edge.artefacts is not None:
        missing = [name for name in _ARTEFACTS if not (project / edge.artefacts / name).is_file()]
        if missing:
            yield Problem(
                "edge.artefacts",
                f"no {' and no '.join(missing)} in {edge.artefacts!r}",
                f"a directory that holds {' and '.join(_ARTEFACTS)}",
                "for the twin run `make twin`, which fills its own; else put the files there, or leave the key out",
            )
    named = sorted(download.name for download in edge.downloads)
    if edge.artefacts is None and named != sorted(_ARTEFACTS):
        yield Problem(
            "edge.artefacts",
            f"it is not set, and edge.downloads names {', '.join(named) or 'nothing'}",
            f"a directory to push {' and '.join(_ARTEFACTS)} from, or one download for each",
            "set edge.artefacts for machines without Internet, else list both programs under edge.downloads",
        )
    if edge.image_archive is not None and not (project / edge.image_archive).is_file():
        yield Problem(
            "edge.image-archive",
            f"no file at {edge.image_archive!r}",
            "an archive as `docker save` writes it",
            "for the twin run `make twin`; else correct the path, or leave the key out so that devices pull edge.image",
        )


def _controllers(settings: Settings) -> Iterator[Problem]:
    """A pod's address does not outlive the pod, so an address that can be written down is the machine's own."""
    given = settings.edge.controllers
    if given is None or is_loopback(given) or (_HOST.fullmatch(given) and not _ADDRESS.fullmatch(given)):
        return
    yield Problem(
        "edge.controllers",
        repr(given),
        "a host name, or a loopback address such as 127.0.0.1 that a forwarder on every device listens on",
        "leave the key out when devices reach the cluster's pods: they look Linkerd's Services up then",
    )


def _workloads(settings: Settings) -> Iterator[Problem]:
    for index, workload in enumerate(settings.workloads):
        key = f"workloads[{index}]"
        if provisioned(settings) and workload.port in _RESERVED_PORTS:
            yield Problem(
                f"{key}.port",
                f"{workload.port}, which belongs to {_RESERVED_PORTS[workload.port]}",
                "a port that may be redirected to the proxy",
                "let the workload listen on another port, for example 8000",
            )
        for name, value in workload.environment.items():
            if not _VARIABLE.fullmatch(name) or "\n" in value:
                yield Problem(
                    f"{key}.environment",
                    f"{name!r} with a value of {len(value)} characters",
                    "names of letters, digits and underscores, values of one line",
                    "rename the variable, or take the line break out",
                )
            elif _OURS.fullmatch(name):
                yield Problem(
                    f"{key}.environment",
                    f"{name!r} is set by this program",
                    "variables of the workload's own",
                    "remove it",
                )


def _hosts(settings: Settings) -> Iterator[Problem]:
    seen: dict[tuple[str, int], str] = {}
    for index, workload in enumerate(settings.workloads):
        if workload.device is None:
            continue
        place = (host(workload), workload.device.port or settings.ssh.port)
        if place in seen:
            yield Problem(
                f"workloads[{index}].device.host",
                f"{place[0]} port {place[1]} is the device of workload {seen[place]!r} too",
                "one device for one workload: all its traffic has one identity",
                "correct the host of one of them",
            )
        seen.setdefault(place, workload.name)


def _host_keys(settings: Settings, project: Path) -> Iterator[Problem]:
    for index, workload in enumerate(settings.workloads):
        device = workload.device
        if device is None or device.gone:
            continue
        if device.host_key is not None and host_keys.parsed(device.host_key) is None:
            yield Problem(
                f"workloads[{index}].device.host-key",
                f"{device.host_key[:40]!r} is no public key",
                "the machine's public host key, such as `ssh-ed25519 AAAA...`",
                "copy the line from /etc/ssh/ssh_host_ed25519_key.pub on the machine",
            )
        elif device.host_key is None and host_key(settings, workload, project) is None:
            yield Problem(
                f"workloads[{index}].device.host-key",
                f"no host key of {host(workload)} is known: neither here nor in {settings.ssh.known_hosts}",
                "a host key, so that nobody can stand in for the machine",
                f"`ssh {host(workload)}` once and compare the fingerprint it shows with the machine's, or set host-key",
            )
