"""Checks of `spire.topology: bundled`, in the words of the stack file."""

from collections.abc import Iterator
from pathlib import Path

from cryptography import x509

from domain.intermediate import SIGNER_PATH_LENGTH
from domain.problem import Problem
from settings.check import Check
from settings.edge_checks import RESERVED_PORTS
from settings.model import Settings


def _containers(settings: Settings, _project: Path) -> Iterator[Problem]:
    if settings.spire.topology != "bundled":
        return
    for index, workload in enumerate(settings.workloads):
        if workload.container is not None:
            yield Problem(
                f"workloads[{index}].container",
                "a container, while spire.topology is bundled",
                "a device: containers get their identities from the server in the cluster alone",
                "take spire.topology out, or give the workload a device",
            )


def _server(settings: Settings, _project: Path) -> Iterator[Problem]:
    spire = settings.spire
    if spire.topology != "bundled":
        return
    if spire.server_address is not None:
        yield Problem(
            "spire.server-address",
            f"{spire.server_address!r}, while spire.topology is bundled",
            "no address: every device asks the server beside it",
            "remove it, or take spire.topology out",
        )
    if spire.server_port in RESERVED_PORTS:
        yield Problem(
            "spire.server-port",
            f"{spire.server_port}, which belongs to {RESERVED_PORTS[spire.server_port]}",
            "a port of the devices' loopback address that nothing else uses",
            "choose another one, for example 30081",
        )
    for index, workload in enumerate(settings.workloads):
        if workload.device and workload.port == spire.server_port:
            yield Problem(
                f"workloads[{index}].port",
                f"{workload.port}, which is spire.server-port too",
                "two ports: with spire.topology bundled the SPIRE server runs beside the workload",
                "choose another spire.server-port, for example 30081",
            )


def _lifetime(settings: Settings, _project: Path) -> Iterator[Problem]:
    spire, trust = settings.spire, settings.trust
    if spire.topology == "bundled" and trust.own is None and spire.intermediate_days >= trust.root_days:
        yield Problem(
            "spire.intermediate-days",
            f"{spire.intermediate_days} days, while a trust anchor lives {trust.root_days} days",
            "authorities that end before the trust anchor that signed them",
            f"set spire.intermediate-days below {trust.root_days}; the shorter, the sooner a stolen device is out",
        )


def _own_upstream(settings: Settings, _project: Path) -> Iterator[Problem]:
    own = settings.trust.own
    if settings.spire.topology != "bundled" or own is None or own.upstream is None:
        return
    try:
        signer = x509.load_pem_x509_certificate(own.upstream.encode())
        constraints = signer.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (ValueError, x509.ExtensionNotFound):
        found = "no authority's certificate in PEM form"
    else:
        length = constraints.path_length
        if constraints.ca and (length is None or length >= SIGNER_PATH_LENGTH):
            return
        found = f"an authority of path length {length}" if constraints.ca else "a certificate that may not sign others"
    yield Problem(
        "trust.own.upstream",
        found,
        f"an authority of path length {SIGNER_PATH_LENGTH} or more, or without any: below it come each device's own and SPIRE's",
        "issue it with that path length, or take spire.topology out, which needs 1",
    )


# Each with the keys of the top level that it reads.
CHECKS: tuple[Check, ...] = (
    (_containers, {"spire", "workloads"}),
    (_server, {"spire", "workloads"}),
    (_lifetime, {"spire", "trust"}),
    (_own_upstream, {"spire", "trust"}),
)
