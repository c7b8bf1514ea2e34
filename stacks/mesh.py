"""What every lab is made of once it has a cluster: trust, mesh, demo, workloads outside, canaries."""

from functools import partial
from typing import Any

import pulumi

from components.chart import ChartSource
from components.cluster.cluster import Cluster
from components.edge.registration import Registration, RegistrationArgs
from components.faces import NAMESPACE, DualStackGui, Faces, FacesArgs, HandOff
from components.gateway_api import GatewayApi
from components.linkerd import Linkerd, LinkerdArgs
from components.traffic.route import Route, RouteArgs
from components.traffic.service import TrafficOfService, TrafficOfServiceArgs
from components.trust import trust_material
from settings import Settings
from settings.asked import faces_plan, workload_list
from settings.traffic_checks import route_list, service_list
from stacks.apps import apps
from stacks.docker_place import DockerPlace
from stacks.machines import Surroundings, machines
from stacks.policy import policy


def compose(
    settings: Settings, cluster: Cluster, gateway_api: GatewayApi, docker: DockerPlace | None
) -> dict[str, Any]:
    """Declare it in the order in which each needs the one before; what it returns becomes the stack's outputs.

    Whatever of it needs less is begun earlier: what `after` names holds back only those resources that cannot be without it.
    `docker` is where edge containers run, when that had to be made before the cluster.
    """
    after = partial(_after, cluster)
    charts = ChartSource(settings.mirrors.charts)
    trust = trust_material(settings.trust, settings.trust_issuer_key)
    linkerd = Linkerd(
        "linkerd",
        LinkerdArgs(
            version=settings.linkerd.version,
            charts=charts,
            trust=trust,
            ipv6=any(network.version == 6 for network in settings.cluster.pod_networks),
        ),
        after(gateway_api),
    )
    faces = Faces(
        "faces",
        FacesArgs(plan=faces_plan(settings), charts=charts, default_inbound=settings.policy.default_inbound),
        after(linkerd),
    )
    rules = policy(settings, cluster, faces, linkerd.control_plane)
    workloads = workload_list(settings)
    outside = machines(
        settings,
        Surroundings(
            cluster=cluster,
            charts=charts,
            trust=trust,
            definitions=linkerd.definitions,
            mesh=linkerd.control_plane,
            policy=rules,
            namespace=NAMESPACE,
            docker=docker,
        ),
        workloads,
    )
    registration = Registration(
        "edge",
        RegistrationArgs(
            workloads=workloads,
            namespace=faces.namespace,
            existing_services=faces.plan.chart_services,
            machines=outside,
            gone=[workload.name for workload in settings.workloads if workload.device and workload.device.gone],
            ready_seconds=settings.edge.ready_seconds,
        ),
        after(faces),
    )
    HandOff("faces-off", faces, after(faces, registration))
    if len(settings.cluster.service_networks) > 1:
        DualStackGui("faces-gui", faces, after(faces))
    routes = route_list(settings)
    for route in routes:
        # A route leaves before what it points at: linkerd-destination panics when a client's endpoint vanishes
        # (linkerd2#15551).
        Route(
            route.name,
            RouteArgs(route=route, namespace=faces.namespace, ready_seconds=settings.edge.ready_seconds),
            after(registration),
        )
    for service in service_list(settings):
        TrafficOfService(
            f"{service.name}-traffic",
            TrafficOfServiceArgs(
                service=service, namespace=faces.namespace, leaves_with=faces.leaves_with(service.name)
            ),
            after(registration),
        )
    apps(settings, cluster, faces, [linkerd, faces, *rules])
    return {
        "linkerd": settings.linkerd.version,
        "trustAnchors": trust.anchors_pem,
        "certificates": trust.expiry,
        "workloads": {workload.name: workload.spiffe_id for workload in workloads},
        "routes": {route.name: route.shares() for route in routes},
    }


def _after(cluster: Cluster, *needed: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(provider=cluster.provider, depends_on=list(needed))
