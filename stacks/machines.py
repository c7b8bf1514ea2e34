"""Everything outside the cluster, and what the cluster needs for it: the same in every lab that provisions machines."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pulumi

import versions
from components.chart import ChartSource
from components.cluster.cluster import Cluster
from components.dns import ClusterDns, ClusterDnsArgs
from components.edge.container import SELECTORS as CONTAINER_SELECTORS
from components.edge.device import EdgeDevice, EdgeDeviceArgs
from components.edge.fleet import Fleet, FleetState
from components.edge.intermediate import Intermediates
from components.edge.prober import Prober, ProberArgs
from components.spire import Spire, SpireArgs
from components.spire_entry import StaticEntry
from components.spire_trust import OwnUpstream, SpireMaterial, spire_material
from components.trust import SigningAuthority, TrustMaterial
from domain.device import Artefact, Controllers
from domain.faces_part import environment
from domain.nodes import Node, misplaced
from domain.spire import DEVICE_SELECTORS
from domain.workloads import Workload
from settings import Settings
from settings.asked import workload_list
from settings.edge_checks import image, programs, provisioned
from settings.load import NAMESPACE
from settings.model import WorkloadSettings
from stacks import ssh
from stacks.containers import containers
from stacks.docker_place import DockerPlace

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What must be there before the first machine serves: `namespace` is the workloads' own, `mesh` Linkerd's control plane,
    `definitions` those of its objects.

    `policy` is who may call the workloads, `docker` where edge containers run, when that had to be made before the cluster.
    """

    cluster: Cluster
    charts: ChartSource
    trust: TrustMaterial
    definitions: pulumi.Resource
    mesh: pulumi.Resource
    policy: Sequence[pulumi.Resource]
    namespace: str
    docker: DockerPlace | None = None


def machines(settings: Settings, around: Surroundings, workloads: Sequence[Workload]) -> dict[str, pulumi.Resource]:
    """Declare the machines of the settings; what brings each workload up, by the workload's name."""
    wanted = {workload.name: workload for workload in provisioned(settings)}
    if not wanted:
        return {}
    after = partial(_after, around.cluster)
    material = _material(settings, around.trust)
    # With a server of their own on every device there is none in the cluster, and no entry.
    bundled = settings.spire.topology == "bundled"
    server = [] if bundled else [_spire(settings, around, material, len(wanted))]
    ready = settings.edge.ready_path
    gone = {workload.name for workload in settings.workloads if workload.device and workload.device.gone}
    needed = [
        around.mesh,
        ClusterDns("dns", ClusterDnsArgs(node_port=settings.edge.dns_port), after()),
        *around.policy,
        Prober(
            "prober",
            ProberArgs(
                trust_anchors_pem=around.trust.anchors_pem,
                namespaces=[around.namespace],
                ready_path=ready,
                image=settings.mirrors.places.image(versions.PROBER_IMAGE),
            ),
            after(around.definitions),
        ),
    ]
    fleet = _fleet(settings, around, material)
    found: dict[str, pulumi.Resource] = {}
    before: dict[str, list[pulumi.Resource]] = {}
    for workload in workloads:
        if workload.name not in wanted:
            continue
        asked = wanted[workload.name]
        # The entry is there before the proxy asks for its identity, and until the proxy is gone.
        selectors = CONTAINER_SELECTORS if asked.container else DEVICE_SELECTORS
        entry = (
            []
            if bundled or workload.name in gone
            else [StaticEntry(f"{workload.name}-entry", workload, after(*server), selectors=selectors)]
        )
        before[workload.name] = [*needed, *entry]
        if asked.device:
            found[workload.name] = EdgeDevice(
                f"{workload.name}-device",
                EdgeDeviceArgs(
                    workload=workload,
                    connection=ssh.to_device(settings, asked),
                    fleet=fleet,
                    image=_image(settings, asked),
                    architectures=[asked.device.architecture] if asked.device.architecture else ["amd64", "arm64"],
                    environment={**environment(workload), **asked.environment},
                    gpio=asked.device.gpio,
                    gone=workload.name in gone,
                ),
                pulumi.ResourceOptions(depends_on=before[workload.name]),
            )
    return {**found, **containers(settings, fleet, workloads, before, around.docker)}


def _spire(settings: Settings, around: Surroundings, material: SpireMaterial, devices: int) -> Spire:
    return Spire(
        "spire",
        SpireArgs(material=material, charts=around.charts, devices=devices, node_port=settings.spire.server_port),
        _after(around.cluster),
    )


def _material(settings: Settings, trust: TrustMaterial) -> SpireMaterial:
    own, key = settings.trust.own, settings.trust_upstream_key
    brought = OwnUpstream(certificate_pem=own.upstream, key_pem=key) if own and own.upstream and key else None
    return spire_material(settings.spire, trust, brought)


def _fleet(settings: Settings, around: Surroundings, material: SpireMaterial) -> Fleet:
    edge = settings.edge
    pushed = {name: Path(edge.artefacts, name) for name in programs(settings)} if edge.artefacts else {}
    return Fleet(
        state=pulumi.Output.all(around.cluster.nodes(), around.trust.anchors_pem).apply(
            lambda known: FleetState(nodes=_fitting(settings, known[0]), trust_anchors_pem=known[1])
        ),
        namespace=around.namespace,
        device_ca_certificate_pem=material.device_ca_certificate_pem,
        device_ca_key_pem=material.device_ca_key_pem,
        certificate_generation=settings.spire.device,
        certificate_days=settings.spire.device_days,
        service_network=settings.cluster.service_networks[0],
        route_services=edge.route_services,
        dns_port=edge.dns_port,
        spire_port=settings.spire.server_port,
        spire_address=settings.spire.server_address,
        image_archive=Path(edge.image_archive) if edge.image_archive else None,
        pushed=pushed,
        pushed_architecture=_ARCHITECTURES.get(platform.machine()) if pushed else None,
        downloads=[
            Artefact(name=item.name, sha256=item.sha256, source=item.url, member=item.member) for item in edge.downloads
        ],
        controllers=Controllers.at(edge.controllers) if edge.controllers else Controllers(),
        intermediates=_intermediates(settings, material) if settings.spire.topology == "bundled" else None,
    )


def _fitting(settings: Settings, nodes: Sequence[Node]) -> Sequence[Node]:
    """The nodes, when nobody outside has an address of theirs: only the cluster itself tells what it hands out."""
    if found := misplaced(nodes, workload_list(settings), settings.cluster.pod_networks):
        raise pulumi.RunError("\n".join(f"{NAMESPACE}:{problem}" for problem in found))
    return nodes


def _intermediates(settings: Settings, material: SpireMaterial) -> Intermediates:
    return Intermediates(
        signer=SigningAuthority(certificate_pem=material.upstream_certificate_pem, key_pem=material.upstream_key_pem),
        is_anchor=material.upstream_is_anchor,
        generation=settings.spire.intermediate,
        days=settings.spire.intermediate_days,
    )


def _image(settings: Settings, workload: WorkloadSettings) -> str:
    found = image(settings, workload)
    assert found is not None  # noqa: S101 - the settings were checked
    # An archive holds the image under its own name, and nobody pulls it.
    return found if settings.edge.image_archive else settings.mirrors.places.image(found)


def _after(cluster: Cluster, *needed: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(provider=cluster.provider, depends_on=list(needed))
