"""What each device is given, the same with every tool: texts, files and the authority that signs its certificate."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from bench.devices import Devices
from components.edge.assets import device_assets
from domain import certificates
from domain.device import Device, Endpoint, Image, Preflight, Route
from domain.device_files import device_files
from domain.nodes import Node
from domain.workloads import Workload

IMAGE = "example.com/faces-workload:1"
POD_NETWORK, SERVICE_NETWORK = ip_network("10.42.0.0/24"), ip_network("10.43.0.0/16")
DNS_PORT, SPIRE_PORT = 30000, 30081
NAMESPACE = "faces"
CERTIFICATE_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class Work:
    """Plain values, for a file (0600) that a program of the bench reads; PEM texts and one SSH key."""

    address: str
    gateway: str
    ports: Sequence[int]
    host_key: str
    client_key: str
    authority_pem: str
    authority_key_pem: str

    @classmethod
    def on(cls, devices: Devices) -> Self:
        """The work on those devices, with a new authority."""
        certificate, key = _authority()
        return cls(
            address=devices.address,
            gateway=devices.gateway,
            ports=devices.ports,
            host_key=devices.host_key,
            client_key=devices.client_key.read_text(),
            authority_pem=certificate,
            authority_key_pem=key,
        )

    @classmethod
    def read(cls, file: Path) -> Self:
        """What `text` wrote."""
        return cls(**json.loads(file.read_text()))

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @property
    def node(self) -> Node:
        """The cluster's only node."""
        return Node(name="node", addresses=(ip_address(self.gateway),), pod_cidrs=(POD_NETWORK,))

    def workload(self, port: int) -> Workload:
        """The workload of the device whose sshd is at `port`."""
        return Workload(name=f"device-{port}", service="smiley", addresses=(ip_address(self.address),))

    def preflight(self, port: int) -> Preflight:
        """What the device must fit."""
        begin, end = certificates.validity(self.authority_pem)
        return Preflight(
            workload=self.workload(port), nodes=(ip_address(self.gateway),), not_before=begin, not_after=end
        )

    def device(self, port: int, certificate_pem: str) -> Device:
        """The device as components/edge/device.py describes it to domain/bundle.py."""
        node = ip_address(self.gateway)
        return Device(
            workload=self.workload(port),
            namespace=NAMESPACE,
            node_name=self.workload(port).name,
            pod_routes=(Route(network=POD_NETWORK, via=node),),
            service_network=SERVICE_NETWORK,
            service_route=None,
            dns=Endpoint(host=self.gateway, port=DNS_PORT),
            spire=Endpoint(host=self.gateway, port=SPIRE_PORT),
            trust_anchors_pem=self.authority_pem,
            certificate_pem=certificate_pem,
            artefacts=(),
            image=Image(reference=IMAGE),
            environment={"FACES_SERVICE": "smiley"},
        )


def files_on_a_device() -> int:
    """How many the work leaves there, but for the key and its request."""
    given = Work(
        address="192.0.2.2",
        gateway="192.0.2.1",
        ports=(),
        host_key="",
        client_key="",
        authority_pem="",
        authority_key_pem="",
    )
    return len(installed_files()) + len(device_files(given.device(0, "")))


def installed_files() -> Mapping[str, str]:
    """What is the same on each device, by its path there; where podman has Quadlet, as the bench's has."""
    plain = "/etc/systemd/system/mesh-expansion-workload.service"
    assets = device_assets()
    return {path: text for path, text in assets.files.items() if path != plain} | {
        "/opt/mesh-expansion/bin/leave": assets.leave
    }


def _authority() -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "devices.bench")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=2 * CERTIFICATE_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(Encoding.PEM).decode(),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    )
