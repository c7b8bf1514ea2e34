"""`mesh-expansion:index:Workloads`: workloads outside the cluster, as the cluster sees them."""

from ipaddress import ip_address
from typing import NotRequired, TypedDict

import pulumi

from components.edge.registration import Registration, RegistrationArgs
from domain.workloads import APPLICATION_PORT, Workload, collisions


class WorkloadArgs(TypedDict):
    """One workload on a machine outside the cluster, whose proxy is there already."""

    name: str
    """Its name, which is its identity in the mesh too."""
    addresses: list[str]
    """Its address, or one of each family."""
    service: NotRequired[str]
    """The Service that reaches it; its name if it is not said."""
    port: NotRequired[int]
    """Port of the workload; 8000 if it is not said."""


class WorkloadsArgs(TypedDict):
    """Workloads, and where their objects go."""

    namespace: pulumi.Input[str]
    """Namespace of the ExternalWorkloads and Services."""
    workloads: list[WorkloadArgs]
    """The workloads; several may share a Service."""


class Workloads(pulumi.ComponentResource):
    """An ExternalWorkload for each workload, and the Services that reach them."""

    spiffe_ids: pulumi.Output[dict[str, str]]
    """The identity that each workload's proxy has to prove, by the workload's name."""

    def __init__(self, name: str, args: WorkloadsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh-expansion:index:Workloads", name, None, opts)
        workloads = [
            Workload(
                name=given["name"],
                service=given.get("service") or given["name"],
                addresses=tuple(ip_address(address) for address in given["addresses"]),
                port=int(given.get("port") or APPLICATION_PORT),
            )
            for given in args["workloads"]
        ]
        problems = collisions(workloads, [])
        if problems:
            raise ValueError("\n".join(str(problem) for problem in problems))
        Registration(
            name,
            RegistrationArgs(workloads=workloads, namespace=args["namespace"], existing_services={}),
            pulumi.ResourceOptions(parent=self),
        )
        self.spiffe_ids = pulumi.Output.from_input({workload.name: workload.spiffe_id for workload in workloads})
        self.register_outputs({"spiffeIds": self.spiffe_ids})
