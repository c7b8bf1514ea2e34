"""Retries and timeouts of all requests to a Service: annotations on it, which is somebody else's."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.waiting import declared_at_once
from domain.services import ServiceTraffic


@dataclass(frozen=True, kw_only=True)
class TrafficOfServiceArgs:
    """What holds for the Service, which is in `namespace` and leaves with `leaves_with`, as data."""

    service: ServiceTraffic
    namespace: pulumi.Input[str]
    leaves_with: pulumi.Resource


class TrafficOfService(pulumi.ComponentResource):
    """A patch that holds these annotations and nothing else: they go with it, and the Service stays as it was."""

    def __init__(self, name: str, args: TrafficOfServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        own, needed = declared_at_once(opts)
        super().__init__("mesh:traffic:TrafficOfService", name, None, own)
        k8s.core.v1.ServicePatch(
            f"{name}-annotations",
            metadata={
                "name": args.service.name,
                "namespace": args.namespace,
                "annotations": {
                    # What somebody wrote there by hand gives way.
                    "pulumi.com/patchForce": "true",
                    # Nothing that stands behind the Service changes.
                    "pulumi.com/skipAwait": "true",
                    **args.service.annotations,
                },
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=needed, deleted_with=args.leaves_with),
        )
        self.register_outputs({})
