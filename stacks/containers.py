"""Workloads in Docker containers: network, images and DNS for all of them, and the containers."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_docker as docker

import versions
from components.dns_forwarder import DnsForwarder, DnsForwarderArgs
from components.edge.container import EdgeContainer, EdgeContainerArgs
from components.edge.fleet import Fleet, FleetState
from components.edge.images import EdgeImages, EdgeImagesArgs, SpireRelease
from domain import nodes
from domain.device import is_loopback
from domain.faces_part import environment
from domain.workloads import Workload
from settings import Settings
from settings.docker_checks import contained, dns_address, network, program_image
from settings.model import WorkloadSettings
from stacks.docker_place import DockerPlace, docker_place


def containers(
    settings: Settings,
    fleet: Fleet,
    workloads: Sequence[Workload],
    before: Mapping[str, Sequence[pulumi.Resource]],
    made: DockerPlace | None = None,
) -> dict[str, pulumi.Resource]:
    """Declare the containers of the settings, by the workload's name; each after those of `before`.

    `made` is where they run when the composition has made it already, for a cluster that lives there too.
    """
    asked = {workload.name: workload for workload in contained(settings)}
    if not asked:
        return {}
    name = network(settings)
    assert name is not None  # noqa: S101 - the settings were checked
    place = made or docker_place(settings, name, settings.docker.subnet)
    engine, joined = place.engine, place.network
    images = EdgeImages("images", _images(settings, name, asked), _on(engine))
    dns = DnsForwarder(
        "dns-forwarder",
        DnsForwarderArgs(
            image=images.dns_forwarder,
            container_name=f"{name}-dns",
            network=joined,
            address=str(dns_address(settings)),
            servers=fleet.state.apply(lambda state: [f"{address}#{fleet.dns_port}" for address in _addresses(state)]),
        ),
        _on(engine, images),
    )
    return {
        workload.name: EdgeContainer(
            f"{workload.name}-docker",
            EdgeContainerArgs(
                workload=workload,
                image=images.workloads[workload.name],
                container_name=f"{name}-{workload.name}",
                network=joined,
                dns=[dns.address],
                environment={**environment(workload), **asked[workload.name].environment},
                docker_host=settings.docker.host,
                ready_seconds=settings.edge.ready_seconds,
                **_machine(asked[workload.name]),
                **_mesh(fleet),
            ),
            _on(engine, images, *before[workload.name]),
        )
        for workload in workloads
        if workload.name in asked
    }


def _images(settings: Settings, tag: str, asked: Mapping[str, WorkloadSettings]) -> EdgeImagesArgs:
    given, place = settings.docker, settings.mirrors.places
    return EdgeImagesArgs(
        tag=tag,
        base=place.image(given.base),
        # One version in the cluster and outside.
        proxy_image=place.image(given.proxy_image or f"cr.l5d.io/linkerd/proxy:{settings.linkerd.version}"),
        spire=SpireRelease(version=versions.SPIRE, sha256=dict(given.spire_sha256.items()))
        if given.spire_sha256
        else place.image(given.spire_image),
        workload_images={
            name: place.image(program_image(settings, workload) or "") for name, workload in asked.items()
        },
        docker_host=given.host,
    )


def _machine(asked: WorkloadSettings) -> dict[str, Any]:
    container = asked.container
    return {"hostname": container.hostname, "devices": container.gpio} if container else {}


def _mesh(fleet: Fleet) -> dict[str, Any]:
    """What every container is told about the cluster. Behind a loopback address the controllers are the first node's."""
    node = fleet.state.apply(lambda state: _addresses(state)[0])
    forwarded = is_loopback(fleet.controllers.destination.rpartition(":")[0])
    return {
        "namespace": fleet.namespace,
        "spire_server": pulumi.Output.concat(fleet.spire_address or node, ":", str(fleet.spire_port)),
        "trust_anchors_pem": fleet.state.apply(lambda state: state.trust_anchors_pem),
        "device_ca_certificate_pem": fleet.device_ca_certificate_pem,
        "device_ca_key_pem": fleet.device_ca_key_pem,
        "certificate_days": fleet.certificate_days,
        "generation": fleet.certificate_generation,
        "pod_routes": fleet.state.apply(_pod_routes),
        "service_network": str(fleet.service_network),
        "service_via": node,
        "controllers": fleet.controllers,
        "controllers_via": node if forwarded else None,
    }


def _addresses(state: FleetState) -> list[str]:
    """IPv4 addresses of the nodes, one each. Raises ValueError when there is none."""
    found = [next((address for address in node.addresses if address.version == 4), None) for node in state.nodes]
    if not any(found):
        raise ValueError(
            "no node of the cluster has an IPv4 address, which is the only kind that containers reach; "
            "see `kubectl get nodes -o wide`"
        )
    return [str(address) for address in found if address]


def _pod_routes(state: FleetState) -> list[tuple[str, str]]:
    return [(cidr, via) for cidr, via in nodes.routes(state.nodes).items() if ":" not in cidr]


def _on(engine: docker.Provider, *needed: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(providers=[engine], depends_on=list(needed))
