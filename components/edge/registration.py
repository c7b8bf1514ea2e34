"""Workloads outside the cluster, as the cluster sees them: an ExternalWorkload each, and the Services that reach them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s

from components.waiting import declared_at_once
from domain.workloads import Workload

_PORT_NAME = "http"


@dataclass(frozen=True, kw_only=True)
class RegistrationArgs:
    """`existing_services` are Services that something else makes, each with the labels by which it selects workloads.

    `machines` holds, by workload, what brings it up: it is registered after that, waited for until a probe says that it
    is ready, for `ready_seconds` at most, and taken out of the mesh before its machine leaves. A workload of `gone`
    keeps its Service and is registered no more.
    """

    workloads: Sequence[Workload]
    namespace: pulumi.Input[str]
    existing_services: Mapping[str, Mapping[str, str]]
    machines: Mapping[str, pulumi.Resource] = field(default_factory=dict)
    gone: Collection[str] = ()
    ready_seconds: int = 120


class Registration(pulumi.ComponentResource):
    """ExternalWorkloads and Services. Health is written into their status by a prober, never by a manifest.

    Each of them waits for what the component depends on.
    """

    def __init__(self, name: str, args: RegistrationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        own, needed = declared_at_once(opts)
        super().__init__("mesh:edge:Registration", name, None, own)
        self._needed = needed
        for workload in args.workloads:
            if workload.name not in args.gone:
                self._external_workload(f"{name}-{workload.name}", workload, args)
        for service in sorted({workload.service for workload in args.workloads} - set(args.existing_services)):
            self._service(f"{name}-{service}-service", service, args.namespace)
        self.register_outputs({})

    def _external_workload(self, name: str, workload: Workload, args: RegistrationArgs) -> None:
        machine = args.machines.get(workload.name)
        annotations = {
            **({"pulumi.com/waitFor": "condition=Ready"} if machine else {}),
            **_probe(workload),
        }
        limit = f"{args.ready_seconds}s"
        k8s.apiextensions.CustomResource(
            name,
            api_version="workload.linkerd.io/v1beta1",
            kind="ExternalWorkload",
            metadata={
                "name": workload.name,
                "namespace": args.namespace,
                "labels": {**workload.labels, **args.existing_services.get(workload.service, {})},
                **({"annotations": annotations} if annotations else {}),
            },
            spec={
                "meshTLS": {"identity": workload.spiffe_id, "serverName": workload.server_name},
                "workloadIPs": [{"ip": str(address)} for address in workload.addresses],
                "ports": [{"port": workload.port, "name": _PORT_NAME}],
            },
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*self._needed, *([machine] if machine else [])],
                custom_timeouts=pulumi.CustomTimeouts(create=limit, update=limit) if machine else None,
            ),
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
            opts=pulumi.ResourceOptions(parent=self, depends_on=self._needed),
        )


def _probe(workload: Workload) -> dict[str, str]:
    """What the prober has to know to ask; without a word it asks by GET."""
    if workload.protocol == "grpc":
        return {"mesh-expansion/probe": "grpc"}
    return {} if workload.probed_by == "GET" else {"mesh-expansion/probe": workload.probed_by}
