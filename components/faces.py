"""The Faces demo: its namespace with injection, and its chart with the edge's parts left out."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.chart import ChartSource
from domain.faces import FacesPlan

NAMESPACE = "faces"
_REGISTRY = "oci://ghcr.io/buoyantio"


@dataclass(frozen=True, kw_only=True)
class FacesArgs:
    """What runs where, and the chart's origin."""

    plan: FacesPlan
    charts: ChartSource


class Faces(pulumi.ComponentResource):
    """`namespace` is where Faces and everything that must sit beside it live."""

    namespace: pulumi.Output[str]
    plan: FacesPlan

    def __init__(self, name: str, args: FacesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh:faces:Faces", name, None, opts)
        self.plan = args.plan
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata={"name": NAMESPACE, "annotations": {"linkerd.io/inject": "enabled"}},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.namespace = namespace.metadata.name
        chart, repository = args.charts.locate("faces-chart", args.plan.chart_version, _REGISTRY)
        release = k8s.helm.v3.Release(
            f"{name}-chart",
            name="faces",
            chart=chart,
            repository_opts=repository,
            version=args.plan.chart_version,
            namespace=self.namespace,
            values=args.plan.values,
            opts=pulumi.ResourceOptions(parent=self),
        )
        for part in args.plan.scaled_to_zero:
            self._scale_to_zero(f"{name}-{part}-off", part, release)
        self.register_outputs({"namespace": self.namespace})

    def _scale_to_zero(self, name: str, deployment: str, release: k8s.helm.v3.Release) -> None:
        """Helm puts its own replica count back at every upgrade; the revision makes this patch follow each one."""
        k8s.apps.v1.DeploymentPatch(
            name,
            metadata={
                "name": deployment,
                "namespace": self.namespace,
                "annotations": {
                    "pulumi.com/patchForce": "true",
                    "mesh-expansion/of-release-revision": release.status.revision.apply(str),
                },
            },
            spec={"replicas": 0},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[release]),
        )
