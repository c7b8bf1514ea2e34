"""SPIRE's server in the cluster, by its official charts: devices attest to it by certificate, no agent runs on the nodes.

The NodePort is a Service of the project's own in front of the chart's pods: the chart's Service takes no nodePort.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

import versions
from components.chart import ChartSource
from components.spire_trust import SpireMaterial
from domain.spire_chart import DEVICE_CA, UPSTREAM_SECRET, spire_values

NAMESPACE = "spire"
NODE_PORT = 30081
_RELEASE = "spire"
_REPOSITORY = "https://spiffe.github.io/helm-charts-hardened/"


@dataclass(frozen=True, kw_only=True)
class SpireArgs:
    """`devices` is how many attest to this server; `node_port` is where they reach it, on any node."""

    material: SpireMaterial
    charts: ChartSource
    devices: int
    node_port: int = NODE_PORT


class Spire(pulumi.ComponentResource):
    """Server and controller manager in namespace `spire`, and the definitions of ClusterStaticEntry and its kin."""

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: SpireArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh:spire:Spire", name, None, opts)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace", metadata={"name": NAMESPACE}, opts=pulumi.ResourceOptions(parent=self)
        )
        self.namespace = namespace.metadata.name
        definitions = self._release(
            f"{name}-crds",
            "spire-crds",
            versions.SPIRE_CRDS_CHART,
            args.charts,
            # The chart keeps its definitions for ever; here they go with the lab. Without any annotation it renders no YAML.
            {"annotations": {"helm.sh/resource-policy": None, "mesh-expansion/part-of": "spire"}},
        )
        authority = self._authority(name, args.material)
        devices = k8s.core.v1.ConfigMap(
            f"{name}-device-ca",
            metadata={"name": DEVICE_CA, "namespace": self.namespace},
            data={"ca.crt": args.material.device_ca_certificate_pem},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._release(
            f"{name}-server",
            "spire",
            versions.SPIRE_CHART,
            args.charts,
            spire_values(args.devices, args.material.device_ca_certificate_pem.apply(_digest)),
            depends_on=[definitions, authority, devices],
        )
        self._node_port(f"{name}-node-port", args.node_port)
        self.register_outputs({"namespace": self.namespace})

    def _authority(self, name: str, material: SpireMaterial) -> k8s.core.v1.Secret:
        """A Secret of ours, not the chart's: values of a release end up in Helm's own records."""
        return k8s.core.v1.Secret(
            f"{name}-upstream-ca",
            metadata={"name": UPSTREAM_SECRET, "namespace": self.namespace},
            string_data=pulumi.Output.secret(
                {
                    "tls.crt": material.upstream_certificate_pem,
                    "tls.key": material.upstream_key_pem,
                    "bundle.crt": material.bundle_pem,
                }
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _node_port(self, name: str, port: int) -> None:
        k8s.core.v1.Service(
            name,
            metadata={
                "name": "spire-server-devices",
                "namespace": self.namespace,
                "annotations": {"pulumi.com/skipAwait": "true"},  # the release has waited for the pods
            },
            spec=k8s.core.v1.ServiceSpecArgs(
                type="NodePort",
                selector={"app.kubernetes.io/name": "server", "app.kubernetes.io/instance": _RELEASE},
                ports=[
                    k8s.core.v1.ServicePortArgs(
                        name="grpc", port=8081, protocol="TCP", target_port="grpc", node_port=port
                    )
                ],
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _release(
        self,
        name: str,
        chart: str,
        version: str,
        charts: ChartSource,
        values: dict[str, Any],
        depends_on: list[pulumi.Resource] | None = None,
    ) -> k8s.helm.v3.Release:
        place, repository = charts.locate(chart, version, _REPOSITORY)
        return k8s.helm.v3.Release(
            name,
            name=chart,
            chart=place,
            repository_opts=repository,
            version=version,
            namespace=self.namespace,
            values=values,
            allow_null_values=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=depends_on),
        )


def _digest(pem: str) -> str:
    return sha256(pem.encode()).hexdigest()
