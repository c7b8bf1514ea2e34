"""Everything outside the cluster, and what the cluster needs for it: the same in every lab that provisions machines."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pulumi

from components.chart import ChartSource
from components.cluster.existing import ExistingCluster
from components.dns import ClusterDns, ClusterDnsArgs
from components.edge.admission import Admission, AdmissionArgs
from components.edge.connection import Connection
from components.edge.device import EdgeDevice, EdgeDeviceArgs
from components.edge.fleet import Fleet, FleetState
from components.edge.prober import Prober, ProberArgs
from components.spire import Spire, SpireArgs
from components.spire_entry import StaticEntry
from components.spire_trust import OwnUpstream, SpireMaterial, spire_material
from components.trust import TrustMaterial
from domain.device import Artefact, Controllers
from domain.workloads import Workload
from settings import Settings
from settings.edge_checks import host, host_key, provisioned
from settings.model import WorkloadSettings

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What must be there before the first machine: `namespace` is the workloads' own, `mesh` what installs Linkerd."""

    cluster: ExistingCluster
    charts: ChartSource
    trust: TrustMaterial
    mesh: Sequence[pulumi.Resource]
    namespace: str


def machines(settings: Settings, around: Surroundings, workloads: Sequence[Workload]) -> dict[str, pulumi.Resource]:
    """Declare the machines of the settings; what brings each workload up, by the workload's name."""
    wanted = {workload.name: workload for workload in provisioned(settings)}
    if not wanted:
        return {}
    after = partial(_after, around.cluster)
    material = _material(settings, around.trust)
    spire = Spire(
        "spire",
        SpireArgs(material=material, charts=around.charts, devices=len(wanted), node_port=settings.spire.server_port),
        after(),
    )
    ready = settings.edge.ready_path
    gone = {workload.name for workload in settings.workloads if workload.device and workload.device.gone}
    needed = [
        ClusterDns("dns", ClusterDnsArgs(node_port=settings.edge.dns_port), after()),
        Admission(
            "admission",
            AdmissionArgs(
                namespace=around.namespace,
                spiffe_ids=[workload.spiffe_id for workload in workloads if workload.name not in gone],
                ready_path=ready,
            ),
            after(*around.mesh),
        ),
        Prober(
            "prober",
            ProberArgs(trust_anchors_pem=around.trust.anchors_pem, namespaces=[around.namespace], ready_path=ready),
            after(*around.mesh),
        ),
    ]
    fleet = _fleet(settings, around, material)
    found: dict[str, pulumi.Resource] = {}
    for workload in workloads:
        if workload.name not in wanted:
            continue
        asked = wanted[workload.name]
        # The entry is there before the proxy asks for its identity, and until the proxy is gone.
        entry = [] if workload.name in gone else [StaticEntry(f"{workload.name}-entry", workload, after(spire))]
        if asked.device:
            found[workload.name] = EdgeDevice(
                f"{workload.name}-device",
                EdgeDeviceArgs(
                    workload=workload,
                    connection=_connection(settings, asked),
                    fleet=fleet,
                    architectures=[asked.device.architecture] if asked.device.architecture else ["amd64", "arm64"],
                    environment=asked.environment,
                    gpio=asked.device.gpio,
                    gone=workload.name in gone,
                ),
                pulumi.ResourceOptions(depends_on=[*needed, *entry]),
            )
    return found


def _material(settings: Settings, trust: TrustMaterial) -> SpireMaterial:
    own, key = settings.trust.own, settings.trust_upstream_key
    brought = OwnUpstream(certificate_pem=own.upstream, key_pem=key) if own and own.upstream and key else None
    return spire_material(settings.spire, trust, brought)


def _fleet(settings: Settings, around: Surroundings, material: SpireMaterial) -> Fleet:
    edge = settings.edge
    pushed = {name: Path(edge.artefacts, name) for name in ("linkerd2-proxy", "spire-agent")} if edge.artefacts else {}
    return Fleet(
        state=pulumi.Output.all(around.cluster.nodes(), around.trust.anchors_pem).apply(
            lambda known: FleetState(nodes=known[0], trust_anchors_pem=known[1])
        ),
        namespace=around.namespace,
        device_ca_certificate_pem=material.device_ca_certificate_pem,
        device_ca_key_pem=material.device_ca_key_pem,
        certificate_generation=settings.spire.device,
        certificate_days=settings.spire.device_days,
        service_network=settings.cluster.service_cidr,
        route_services=edge.route_services,
        dns_port=edge.dns_port,
        spire_port=settings.spire.server_port,
        spire_address=settings.spire.server_address,
        image=edge.image,
        image_archive=Path(edge.image_archive) if edge.image_archive else None,
        pushed=pushed,
        pushed_architecture=_ARCHITECTURES.get(platform.machine()) if pushed else None,
        downloads=[
            Artefact(name=item.name, sha256=item.sha256, source=item.url, member=item.member) for item in edge.downloads
        ],
        controllers=Controllers.at(edge.controllers) if edge.controllers else Controllers(),
    )


def _connection(settings: Settings, workload: WorkloadSettings) -> Connection:
    device = workload.device
    assert device is not None  # noqa: S101 - asked for devices only
    ssh = settings.ssh
    file = Path(ssh.private_key_file).expanduser() if ssh.private_key_file else None
    return Connection(
        host=host(workload),
        port=device.port or ssh.port,
        user=device.user or ssh.user,
        # A machine that is gone is not asked, so nobody needs to know it.
        host_key=host_key(settings, workload, Path()) or "",
        private_key=settings.ssh_private_key or (file.read_text() if file else None),
    )


def _after(cluster: ExistingCluster, *needed: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(provider=cluster.provider, depends_on=list(needed))
