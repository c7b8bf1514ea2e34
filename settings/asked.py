"""What a stack file asks for, as the data that components and checks work with."""

from domain import workloads
from domain.faces import FacesPlan
from domain.faces_part import FacesPart
from settings.model import Settings


def faces_plan(settings: Settings) -> FacesPlan:
    """Which parts of Faces run where."""
    faces = settings.faces
    return FacesPlan(
        chart_version=faces.chart_version,
        on_edge=faces.on_edge,
        second=faces.second,
        # The ingress is the way to the GUI then, and there may be one load balancer's port 80 only.
        gui_service_type=faces.gui_service_type or ("ClusterIP" if settings.emissary else "LoadBalancer"),
        error_fraction=faces.error_fraction,
    )


def workload_list(settings: Settings) -> list[workloads.Workload]:
    """The workloads outside the cluster."""
    return [
        workloads.Workload(
            name=workload.name,
            service=workload.service or workload.name,
            addresses=tuple(workload.addresses),
            port=workload.port,
            protocol=workload.protocol or protocol_of(workload.service or workload.name, settings.faces.chart_version),
            probed_by="HEAD"
            if FacesPart.of(workload.service or workload.name, settings.faces.chart_version)
            else "GET",
        )
        for workload in settings.workloads
    ]


def protocol_of(service: str, chart_version: str) -> workloads.Protocol:
    """What Faces' own parts speak to a Service of that name."""
    part = FacesPart.of(service, chart_version)
    return part.protocol if part else "http"
