"""A machine outside the cluster that runs one workload in the mesh, and is left as it was found."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_command as command
import pulumi_tls as tls

from components.edge.assets import device_assets
from components.edge.connection import Connection
from components.edge.fleet import Fleet, FleetState
from components.edge.intermediate import intermediate
from components.waiting import declared_at_once
from domain import certificates, nodes
from domain.bundle import bundle, converge_stdin, leave_command, prepare_stdin
from domain.certificate_request import own_request
from domain.device import INCOMING, Artefact, Device, Endpoint, Image, LocalServer, Preflight, Route
from domain.local_server import LOOPBACK
from domain.workloads import Workload

_HOURS_A_DAY = 24
_ARCHIVE = "workload.tar"
# What to do about a machine that somebody took, by whether the SPIRE server is in the cluster.
_TAKEN = {
    True: "raise spire.device-ca: every other device gets a certificate of the new authority, and this one's opens nothing "
    "any more",
    False: "rotate the trust anchor: until its intermediate ends it can make identities of any workload outside the cluster, "
    "and nothing else takes that back",
}
# What the engine would otherwise send to a machine that does not answer any more.
_ALL_INPUTS = ["connection", "create", "update", "delete", "stdin", "logging", "addPreviousOutputInEnv"]


@dataclass(frozen=True, kw_only=True)
class EdgeDeviceArgs:
    """`image` is what the workload runs, `architectures` are what the machine may be.

    `gone` means that it will not be asked anything any more.
    """

    workload: Workload
    connection: Connection
    fleet: Fleet
    image: str
    architectures: Sequence[str]
    environment: Mapping[str, str]
    gpio: Sequence[str]
    gone: bool


class EdgeDevice(pulumi.ComponentResource):
    """Key and CSR made on the device, its certificate, pushed files, and everything that runs there.

    What runs waits for what the component depends on; the machine is looked at and made ready before.
    """

    certificate_end: pulumi.Output[str]

    def __init__(self, name: str, args: EdgeDeviceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        own, needed = declared_at_once(opts)
        super().__init__("mesh:edge:EdgeDevice", name, None, own)
        self._args = args
        sudo = "sudo -n " if args.connection.sudo else ""
        identity = self._command(
            f"{name}-identity",
            f"{sudo}sh -s",
            leave_command(parts=False, sudo=args.connection.sudo),
            args.fleet.state.apply(lambda state: prepare_stdin(self._preflight(state), device_assets())),
        )
        certificate = tls.LocallySignedCert(
            f"{name}-certificate-{args.fleet.certificate_generation}-{args.connection.machine}",
            cert_request_pem=identity.stdout.apply(lambda text: own_request(_request(text), args.workload.name)),
            ca_private_key_pem=args.fleet.device_ca_key_pem,
            ca_cert_pem=args.fleet.device_ca_certificate_pem,
            validity_period_hours=args.fleet.certificate_days * _HOURS_A_DAY,
            allowed_uses=["digital_signature", "client_auth"],
            # The machine is asked again whenever anything about it changes, and a preview cannot know its answer: without
            # this it would show a new certificate each time. Another machine has another name, so it gets its own.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["certRequestPem"]),
        )
        pushed = [self._push(name, file, identity) for file in self._files()]
        self._command(
            f"{name}-parts",
            f"{sudo}sh -s",
            leave_command(parts=True, sudo=args.connection.sudo),
            pulumi.Output.all(args.fleet.state, certificate.cert_pem, self._server(name, identity)).apply(
                lambda known: converge_stdin(bundle(self._device(*known), device_assets()), device_assets())
            ),
            depends_on=[identity, *pushed, *needed],
        )
        self.certificate_end = certificate.validity_end_time
        if args.gone:
            pulumi.warn(self._left_behind(), self)
        self.register_outputs({"host": args.connection.host, "spiffe_id": args.workload.spiffe_id})

    def _server(self, name: str, identity: command.remote.Command) -> pulumi.Output[LocalServer | None]:
        """The SPIRE server of the device's own, where there shall be one."""
        fleet = self._args.fleet
        if fleet.intermediates is None:
            return pulumi.Output.from_input(None)
        request = identity.stdout.apply(
            lambda text: own_request(_request(text, "intermediate"), self._args.workload.name)
        )
        chain = intermediate(name, self._args.connection.machine, request, fleet.intermediates, self)
        return pulumi.Output.all(chain, fleet.device_ca_certificate_pem).apply(
            lambda pems: LocalServer(chain_pem=pems[0], device_ca_pem=pems[1])
        )

    def _command(
        self,
        name: str,
        create: str,
        delete: str,
        stdin: pulumi.Output[str],
        depends_on: Sequence[pulumi.Resource] = (),
    ) -> command.remote.Command:
        gone = self._args.gone
        return command.remote.Command(
            name,
            connection=self._args.connection.arguments(),
            create=create,
            delete=delete,
            stdin=stdin,
            logging=command.remote.Logging.STDERR if name.endswith("-identity") else None,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(depends_on),
                ignore_changes=_ALL_INPUTS if gone else None,
                retain_on_delete=gone,
            ),
        )

    def _push(self, name: str, file: Path, after: command.remote.Command) -> pulumi.Resource:
        return command.remote.CopyToRemote(
            f"{name}-{file.name}",
            connection=self._args.connection.arguments(),
            source=pulumi.FileAsset(str(file)),
            remote_path=f"{INCOMING}/{self._incoming(file)}",
            # Another machine in its place has none of the files.
            triggers=[self._args.connection.machine],
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[after],
                ignore_changes=["connection", "source", "remotePath", "triggers"] if self._args.gone else None,
                retain_on_delete=self._args.gone,
            ),
        )

    def _files(self) -> list[Path]:
        fleet = self._args.fleet
        return [*(fleet.pushed.values()), *([fleet.image_archive] if fleet.image_archive else [])]

    def _incoming(self, file: Path) -> str:
        return _ARCHIVE if file == self._args.fleet.image_archive else file.name

    def _preflight(self, state: FleetState) -> Preflight:
        begin, end = certificates.validity(state.trust_anchors_pem)
        fleet = self._args.fleet
        return Preflight(
            workload=self._args.workload,
            nodes=tuple(address for node in state.nodes for address in node.addresses),
            not_before=begin,
            not_after=end,
            architectures=tuple(self._args.architectures),
            # Both only count up, so either of them is a reason to ask again.
            generation=fleet.certificate_generation + (fleet.intermediates.generation if fleet.intermediates else 0),
            pushed=fleet.pushed_architecture,
            server_port=fleet.spire_port if fleet.intermediates else None,
        )

    def _device(self, state: FleetState, certificate_pem: str, server: LocalServer | None) -> Device:
        args, fleet = self._args, self._args.fleet
        first = nodes.first_address(state.nodes)
        routes = tuple(
            Route(network=cidr, via=address)
            for node in state.nodes
            for cidr in node.pod_cidrs
            for address in node.addresses
            if address.version == cidr.version
        )
        via = next(address for node in state.nodes for address in node.addresses)
        return Device(
            workload=args.workload,
            namespace=fleet.namespace,
            node_name=args.workload.name,
            pod_routes=routes,
            service_network=fleet.service_network,
            service_route=Route(network=fleet.service_network, via=via) if fleet.route_services else None,
            dns=Endpoint(host=first, port=fleet.dns_port),
            spire=Endpoint(host=LOOPBACK if server else fleet.spire_address or first, port=fleet.spire_port),
            trust_anchors_pem=state.trust_anchors_pem,
            certificate_pem=certificate_pem,
            artefacts=tuple(
                Artefact(name=name, sha256=fleet.sha256(path)) for name, path in sorted(fleet.pushed.items())
            )
            or tuple(fleet.downloads),
            image=Image(
                reference=args.image,
                archive_sha256=fleet.sha256(fleet.image_archive) if fleet.image_archive else None,
            ),
            environment=args.environment,
            gpio=tuple(args.gpio),
            controllers=fleet.controllers,
            server=server,
        )

    def _left_behind(self) -> str:
        args = self._args
        return (
            f"{args.workload.name} on {args.connection.host} is marked as gone: the mesh does not know it any more, and the "
            "machine is not asked. What stays on it: the units mesh-expansion-*, /opt/mesh-expansion, /etc/mesh-expansion "
            "with its key and a certificate for SPIRE, /var/lib/mesh-expansion, the users mesh-agent and mesh-proxy, routes, "
            "a redirect of the workload's port and a drop-in of systemd-resolved. If it turns up again, run "
            f"/opt/mesh-expansion/bin/leave on it as root. If it may be in other hands, {_TAKEN[args.fleet.intermediates is None]}"
        )


def _request(answer: str, name: str = "csr") -> str:
    """A certificate request in what `prepare` printed."""
    return str(json.loads(answer)[name])
