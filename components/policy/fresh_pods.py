"""Pods that come up with what their namespace says now: a proxy learns its default when its pod is made, never later."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.waiting import declared_at_once
from domain import inbound


@dataclass(frozen=True, kw_only=True)
class FreshPodsArgs:
    """`deployments` of `namespace`, which somebody else makes, each with what takes it away; `default_inbound` is what their
    pods are to come up with.
    """

    deployments: Mapping[str, pulumi.Resource]
    namespace: pulumi.Input[str]
    default_inbound: str


class FreshPods(pulumi.ComponentResource):
    """Has the pods made anew when the default is another than that which they were made with, and waits for them.

    It belongs behind the namespace that says so. Nothing but one annotation of the template is patched: how many pods
    there are, none perhaps, is for others to say.
    """

    def __init__(self, name: str, args: FreshPodsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        own, needed = declared_at_once(opts)
        super().__init__("mesh:policy:FreshPods", name, None, own)
        for deployment, leaves_with in args.deployments.items():
            k8s.apps.v1.DeploymentPatch(
                f"{name}-{deployment}",
                metadata={
                    "name": deployment,
                    "namespace": args.namespace,
                    "annotations": {"pulumi.com/patchForce": "true"},
                },
                spec=k8s.apps.v1.DeploymentSpecPatchArgs(
                    template=k8s.core.v1.PodTemplateSpecPatchArgs(
                        metadata=k8s.meta.v1.ObjectMetaPatchArgs(annotations=inbound.of_pods(args.default_inbound))
                    )
                ),
                opts=pulumi.ResourceOptions(parent=self, depends_on=needed, deleted_with=leaves_with),
            )
        self.register_outputs({})
