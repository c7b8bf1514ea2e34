"""Workloads outside the cluster, as the cluster sees them: an ExternalWorkload each, and the Services that reach them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from domain.workloads import Workload

_PORT_NAME = "http"


@dataclass(frozen=True, kw_only=True)
class RegistrationArgs:
    """`existing_services` are Services that something else makes and that select these workloads by `service`."""

    workloads: Sequence[Workload]
    namespace: pulumi.Input[str]
    existing_services: Collection[str]


class Registration(pulumi.ComponentResource):
    """ExternalWorkloads and Services. Health is written into their status by a prober, never by a manifest."""

    def __init__(self, name: str, args: RegistrationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh:edge:Registration", name, None, opts)
        for workload in args.workloads:
            self._external_workload(f"{name}-{workload.name}", workload, args.namespace)
        for service in sorted({workload.service for workload in args.workloads} - set(args.existing_services)):
            self._service(f"{name}-{service}-service", service, args.namespace)
        self.register_outputs({})

    def _external_workload(self, name: str, workload: Workload, namespace: pulumi.Input[str]) -> None:
        k8s.apiextensions.CustomResource(
            name,
            api_version="workload.linkerd.io/v1beta1",
            kind="ExternalWorkload",
            metadata={"name": workload.name, "namespace": namespace, "labels": dict(workload.labels)},
            spec={
                "meshTLS": {"identity": workload.spiffe_id, "serverName": workload.server_name},
                "workloadIPs": [{"ip": str(address)} for address in workload.addresses],
                "ports": [{"port": workload.port, "name": _PORT_NAME}],
            },
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _service(self, name: str, service: str, namespace: pulumi.Input[str]) -> None:
        k8s.core.v1.Service(
            name,
            metadata={
                "name": service,
                "namespace": namespace,
                "labels": {"service": service},
                # No pod ever stands behind it: waiting for endpoints would take ten seconds and prove nothing.
                "annotations": {"pulumi.com/skipAwait": "true"},
            },
            spec=k8s.core.v1.ServiceSpecArgs(
                type="ClusterIP",
                selector={"service": service},
                ports=[k8s.core.v1.ServicePortArgs(name=_PORT_NAME, port=80, protocol="TCP", target_port=_PORT_NAME)],
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
