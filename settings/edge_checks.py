"""Checks of what runs outside the cluster, in the words of the stack file."""

import re
from collections.abc import Iterator
from pathlib import Path

from domain import host_keys
from domain.device import is_loopback
from domain.faces_part import FacesPart
from domain.intermediate import SIGNER_PATH_LENGTH
from domain.problem import Problem
from settings import files
from settings.check import Check
from settings.model import Settings, WorkloadSettings

# sshd's port stays usable whatever happens to the proxy; the others are the proxy's own.
RESERVED_PORTS = {22: "SSH", 4140: "the proxy", 4143: "the proxy", 4190: "the proxy", 4191: "the proxy"}
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OURS = re.compile(r"LINKERD2_PROXY_.*|WORKLOAD_NAME|WORKLOAD_NAMESPACE|NODE_NAME|FACES_SERVICE|WORKLOAD_PROTOCOL")
_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*\.?")
_ADDRESS = re.compile(r"[0-9.]+")


def provisioned(settings: Settings) -> list[WorkloadSettings]:
    """The workloads that this lab brings up itself."""
    return [workload for workload in settings.workloads if workload.device or workload.container]


def image(settings: Settings, workload: WorkloadSettings) -> str | None:
    """What the workload's container runs: its own image, else that of all, else that of its part of Faces."""
    part = FacesPart.of(workload.service or workload.name, settings.faces.chart_version)
    return workload.image or settings.edge.image or (part.image if part else None)


def programs(settings: Settings) -> list[str]:
    """What every device has to get beside its workload."""
    return ["linkerd2-proxy", "spire-agent", *(["spire-server"] if settings.spire.topology == "bundled" else [])]


def host_key(settings: Settings, workload: WorkloadSettings, project: Path) -> str | None:
    """The host key to pin for the workload's device, as `TYPE BASE64`; None when none is known."""
    if workload.device is None:
        return None
    if workload.device.host_key is not None:
        return host_keys.parsed(workload.device.host_key)
    return known_key(settings, host(workload), workload.device.port or settings.ssh.port, project)


def known_key(settings: Settings, host: str, port: int, project: Path) -> str | None:
    """The host key of a machine in ssh.known-hosts, as `TYPE BASE64`; None when none is there."""
    try:
        return host_keys.known(files.text(project, settings.ssh.known_hosts), host, port)
    except ValueError:
        return None


def host(workload: WorkloadSettings) -> str:
    """Where SSH finds the workload's device."""
    named = workload.device.host if workload.device else None
    return named or str(workload.addresses[0])


def _lifetimes(settings: Settings, _project: Path) -> Iterator[Problem]:
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


def _own_trust(settings: Settings, _project: Path) -> Iterator[Problem]:
    own = settings.trust.own
    if own is None or not provisioned(settings):
        return
    if own.upstream is None:
        lowest = SIGNER_PATH_LENGTH if settings.spire.topology == "bundled" else 1
        yield Problem(
            "trust.own.upstream",
            "it is not set, but workloads get their identities from this lab's SPIRE server",
            f"the PEM of an authority of path length {lowest} or more, which one of trust.own.anchors signed",
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
    edge, needed = settings.edge, programs(settings)
    if edge.artefacts is not None:
        missing = [name for name in needed if not files.is_file(project, f"{edge.artefacts}/{name}")]
        if missing:
            yield Problem(
                "edge.artefacts",
                f"no {' and no '.join(missing)} in {edge.artefacts!r}",
                f"a directory that holds {' and '.join(needed)}",
                "for the twin run `make twin`, which fills its own; else put the files there, or leave the key out",
            )
    named = sorted(download.name for download in edge.downloads)
    if edge.artefacts is None and named != needed:
        yield Problem(
            "edge.artefacts",
            f"it is not set, and edge.downloads names {', '.join(named) or 'nothing'}",
            f"a directory to push {' and '.join(needed)} from, or one download for each",
            f"set edge.artefacts for machines without Internet, else list the {len(needed)} programs under edge.downloads",
        )
    if edge.image_archive is not None and not files.is_file(project, edge.image_archive):
        yield Problem(
            "edge.image-archive",
            f"no file at {edge.image_archive!r}",
            "an archive as `docker save` writes it",
            "for the twin run `make twin`; else correct the path, or leave the key out so that devices pull edge.image",
        )


def _controllers(settings: Settings, _project: Path) -> Iterator[Problem]:
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


def _workloads(settings: Settings, _project: Path) -> Iterator[Problem]:
    for index, workload in enumerate(settings.workloads):
        key = f"workloads[{index}]"
        if workload.device and image(settings, workload) is None:
            yield Problem(
                f"{key}.image",
                f"it is not set, nor is edge.image, and Faces has no part {workload.service or workload.name!r}",
                "the image that runs there: Faces has one for smiley and one for color",
                f"set {key}.image, or edge.image when all workloads run the same",
            )
        if provisioned(settings) and workload.port in RESERVED_PORTS:
            yield Problem(
                f"{key}.port",
                f"{workload.port}, which belongs to {RESERVED_PORTS[workload.port]}",
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


CHECKS: tuple[Check, ...] = (
    (_lifetimes, {"spire", "trust"}),
    (_own_trust, {"trust", "trust-upstream-key", "spire", "workloads"}),
    (_files, {"ssh", "ssh-private-key", "edge", "spire", "workloads"}),
    (_controllers, {"edge"}),
    (_workloads, {"workloads"}),
)
