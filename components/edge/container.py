"""A workload in a Docker container outside the cluster: its identity, then the container.

The key is made in a volume of its own by the image's `prepare` and stays there; this program sees the request for a
certificate, which is public. Nothing secret reaches the container's settings, its log, or a command line.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_command as command
import pulumi_docker as docker
import pulumi_tls as tls

from components.container_options import joined, kept_small, label
from components.waiting import declared_at_once
from domain import labels
from domain.certificate_request import own_request
from domain.device import Controllers
from domain.spire import PROXY_UID
from domain.workloads import Workload

# A container has no SYS_PTRACE, without which an agent that is not root cannot read the path of another user's program;
# and nobody but root becomes the proxy's user in there.
SELECTORS = (f"unix:uid:{PROXY_UID}",)
_HOURS_A_DAY = 24
_IDENTITY = "/opt/spire/identity"
_CERTIFICATES = "/opt/spire/certs"


@dataclass(frozen=True, kw_only=True)
class EdgeContainerArgs:
    """What runs, where, and who signs its certificate.

    `image` is pinned; `container_name` unique on the engine; `spire_server` is host:port as the container reaches it;
    `pod_routes` are (pod CIDR, node address) pairs; `service_network` is the range of ClusterIPs, routed by `service_via`
    where the network's own gateway does not lead there; `docker_host` the engine, when it is not what the environment
    names; `generation` grows for a new certificate. `controllers` are found at the workload's own loopback address only
    together with `controllers_via`, the address that leads to them.
    """

    workload: Workload
    namespace: pulumi.Input[str]
    image: pulumi.Input[str]
    container_name: str
    network: pulumi.Input[str]
    dns: Sequence[pulumi.Input[str]]
    spire_server: pulumi.Input[str]
    trust_anchors_pem: pulumi.Input[str]
    device_ca_certificate_pem: pulumi.Input[str]
    device_ca_key_pem: pulumi.Input[str]
    certificate_days: int
    generation: int = 1
    hostname: str | None = None
    pod_routes: pulumi.Input[Sequence[tuple[str, str]]]
    service_network: str
    service_via: pulumi.Input[str] | None = None
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    devices: Sequence[str] = ()
    docker_host: str | None = None
    controllers: Controllers = field(default_factory=Controllers)
    controllers_via: pulumi.Input[str] | None = None
    ready_seconds: int = 120


class EdgeContainer(pulumi.ComponentResource):
    """Complete once the container has proven its identity. `hostname` is what the GUI shows.

    The container itself waits for what the component depends on; key and certificate are made before.
    """

    hostname: pulumi.Output[str]
    container_id: pulumi.Output[str]

    def __init__(self, name: str, args: EdgeContainerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        own, needed = declared_at_once(opts)
        super().__init__("mesh:edge:EdgeContainer", name, None, own)
        volume = docker.Volume(
            f"{name}-identity",
            name=f"{args.container_name}-identity",
            labels=[docker.VolumeLabelArgs(label=labels.WORKLOAD, value=args.workload.name)],
            opts=pulumi.ResourceOptions(parent=self),
        )
        certificate = self._certificate(name, args, volume)
        container = self._container(
            f"{name}-container",
            args,
            volume,
            certificate.cert_pem,
            pulumi.ResourceOptions(parent=self, depends_on=needed),
        )
        self.hostname = container.hostname
        self.container_id = container.id
        self.register_outputs({"hostname": self.hostname, "container_id": self.container_id})

    def _certificate(self, name: str, args: EdgeContainerArgs, volume: docker.Volume) -> tls.LocallySignedCert:
        prepared = command.local.Command(
            f"{name}-prepare",
            create=pulumi.Output.all(volume.name, args.image).apply(
                lambda known: _prepare(volume=known[0], image=known[1], workload=args.workload.name)
            ),
            environment={"DOCKER_HOST": args.docker_host} if args.docker_host else None,
            triggers=[volume.id],
            logging=command.local.Logging.STDERR,
            # A new image needs no new key, and another path to the engine none either.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["create", "environment"]),
        )
        return tls.LocallySignedCert(
            f"{name}-certificate-{args.generation}",
            cert_request_pem=prepared.stdout.apply(lambda pem: own_request(pem, args.workload.name)),
            ca_cert_pem=args.device_ca_certificate_pem,
            ca_private_key_pem=args.device_ca_key_pem,
            validity_period_hours=args.certificate_days * _HOURS_A_DAY,
            allowed_uses=["digital_signature", "client_auth"],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _container(
        self,
        name: str,
        args: EdgeContainerArgs,
        volume: docker.Volume,
        certificate: pulumi.Output[str],
        opts: pulumi.ResourceOptions,
    ) -> docker.Container:
        hostname = args.hostname or f"{args.workload.name}-docker-ext1"
        return docker.Container(
            name,
            name=args.container_name,
            image=args.image,
            hostname=hostname,
            envs=_lines(_environment(args, hostname)),
            networks_advanced=[joined(args.network, args.workload.addresses)],
            dns=args.dns,
            # Connections to a loopback address may leave it, for the controllers behind such an address alone.
            sysctls={"net.ipv4.conf.all.route_localnet": "1"} if args.controllers_via is not None else None,
            capabilities=docker.ContainerCapabilitiesArgs(adds=["CAP_NET_ADMIN"]),
            security_opts=["no-new-privileges"],
            devices=[docker.ContainerDeviceArgs(host_path=path) for path in args.devices],
            volumes=[docker.ContainerVolumeArgs(volume_name=volume.name, container_path=_IDENTITY)],
            uploads=[
                docker.ContainerUploadArgs(file=f"{_CERTIFICATES}/ca.crt", content=args.trust_anchors_pem),
                docker.ContainerUploadArgs(file=f"{_CERTIFICATES}/device.crt", content=certificate),
            ],
            labels=[label("workload", args.workload.name)],
            restart="unless-stopped",
            wait=True,
            wait_timeout=args.ready_seconds,
            **kept_small(),
            opts=opts,
        )


def _prepare(*, volume: str, image: str, workload: str) -> str:
    arguments = [
        "--rm",
        "--network",
        "none",
        "--volume",
        f"{volume}:{_IDENTITY}",
        "--entrypoint",
        "/opt/spire/bin/prepare",
    ]
    return shlex.join(["docker", "run", *arguments, image, workload])


def _environment(args: EdgeContainerArgs, hostname: str) -> dict[str, pulumi.Input[str]]:
    mesh: dict[str, pulumi.Input[str]] = {
        "WORKLOAD_NAME": args.workload.name,
        "WORKLOAD_NAMESPACE": args.namespace,
        "WORKLOAD_PORT": str(args.workload.port),
        "NODE_NAME": hostname,
        "SPIRE_SERVER": args.spire_server,
        "START_SECONDS": str(args.ready_seconds),
        "POD_ROUTES": pulumi.Output.from_input(args.pod_routes).apply(
            lambda routes: " ".join(f"{network}={way}" for network, way in routes)
        ),
        "SVC_CIDR": args.service_network,
        # Docker's own resolver asks no server outside for a container of an internal network.
        "NAMESERVERS": pulumi.Output.all(*args.dns).apply(" ".join),
    }
    if args.service_via is not None:
        mesh["NODE_IP"] = args.service_via
    if args.controllers_via is not None:
        mesh["CONTROLLERS"] = args.controllers_via
    return {**args.environment, **mesh, **_controllers(args.controllers)}


def _controllers(controllers: Controllers) -> dict[str, pulumi.Input[str]]:
    """Nothing where they are at their Services, as the image has it."""
    if controllers == Controllers():
        return {}
    places = {"DESTINATION": controllers.destination, "POLICY": controllers.policy}
    return {
        **{f"LINKERD2_PROXY_{kind}_SVC_ADDR": place for kind, place in places.items()},
        **({f"LINKERD2_PROXY_{kind}_SVC_NAME": controllers.name for kind in places} if controllers.name else {}),
    }


def _lines(environment: Mapping[str, pulumi.Input[str]]) -> list[pulumi.Output[str]]:
    return [pulumi.Output.concat(variable, "=", value) for variable, value in sorted(environment.items())]
