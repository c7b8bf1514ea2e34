"""The Faces demo: its namespace with injection, its chart, and the parts of it that run on the edge instead."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.chart import ChartSource
from components.waiting import declared_at_once
from domain import inbound
from domain.faces import FacesPlan

NAMESPACE = "faces"
_REGISTRY = "oci://ghcr.io/buoyantio"


@dataclass(frozen=True, kw_only=True)
class FacesArgs:
    """What runs where, and the chart's origin.

    `default_inbound` is what pods do with calls that no policy speaks of, if not what the control plane says; pods that are
    there already have to be made anew for it.
    """

    plan: FacesPlan
    charts: ChartSource
    default_inbound: str | None = None


class Part(pulumi.ComponentResource):
    """A part that leaves when the settings name it no more: patches of what the chart makes for it leave with it."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh:faces:Part", name, None, opts)
        self.register_outputs({})


class Faces(pulumi.ComponentResource):
    """`namespace` is where Faces and everything that must sit beside it live; `release` is the chart's.

    The chart waits for what the component depends on; the namespace is there before.
    """

    namespace: pulumi.Output[str]
    release: k8s.helm.v3.Release
    plan: FacesPlan

    def __init__(self, name: str, args: FacesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        own, needed = declared_at_once(opts)
        super().__init__("mesh:faces:Faces", name, None, own)
        self.plan = args.plan
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata={
                "name": NAMESPACE,
                "annotations": {"linkerd.io/inject": "enabled", **inbound.of_namespace(args.default_inbound)},
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.namespace = namespace.metadata.name
        chart, repository = args.charts.locate("faces-chart", args.plan.chart_version, _REGISTRY)
        self.release = k8s.helm.v3.Release(
            f"{name}-chart",
            name="faces",
            chart=chart,
            repository_opts=repository,
            version=args.plan.chart_version,
            namespace=self.namespace,
            values=args.plan.values,
            opts=pulumi.ResourceOptions(parent=self, depends_on=needed),
        )
        self._parts = {part: Part(f"{name}-{part}", pulumi.ResourceOptions(parent=self)) for part in args.plan.second}
        self.register_outputs({"namespace": self.namespace})

    def leaves_with(self, part: str) -> pulumi.Resource:
        """What takes the Deployment and the Service of that name away.

        For `deleted_with` of their patches: the release changes before the engine gets to what is to be deleted, and the
        plugin fails to take a patch back from an object that is gone.
        """
        return self._parts.get(part, self.release)


class HandOff(pulumi.ComponentResource):
    """Scales the Deployments of the parts on the edge to zero.

    It belongs behind the workloads outside: they serve before the pods go, and the pods are back before they go.
    """

    def __init__(self, name: str, faces: Faces, opts: pulumi.ResourceOptions | None = None) -> None:
        own, needed = declared_at_once(opts)
        super().__init__("mesh:faces:HandOff", name, None, own)
        for part in faces.plan.on_edge:
            k8s.apps.v1.DeploymentPatch(
                f"{name}-{part}",
                metadata={
                    "name": part,
                    "namespace": faces.namespace,
                    "annotations": {
                        "pulumi.com/patchForce": "true",
                        # Helm puts its own replica count back at every upgrade: so this follows each one.
                        "mesh-expansion/of-release-revision": faces.release.status.revision.apply(str),
                    },
                },
                spec={"replicas": 0},
                opts=pulumi.ResourceOptions(parent=self, depends_on=needed),
            )
        self.register_outputs({})


class DualStackGui(pulumi.ComponentResource):
    """Gives the GUI's Service an address of each family, which the chart has no value for."""

    def __init__(self, name: str, faces: Faces, opts: pulumi.ResourceOptions | None = None) -> None:
        own, needed = declared_at_once(opts)
        super().__init__("mesh:faces:DualStackGui", name, None, own)
        k8s.core.v1.ServicePatch(
            f"{name}-families",
            metadata={
                "name": "faces-gui",
                "namespace": faces.namespace,
                "annotations": {"pulumi.com/patchForce": "true"},
            },
            spec={"ip_family_policy": "RequireDualStack"},
            opts=pulumi.ResourceOptions(parent=self, depends_on=needed),
        )
        self.register_outputs({})
