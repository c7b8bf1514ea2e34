"""Emissary-ingress: a way into the mesh that is not on it, and Faces behind it."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.chart import ChartSource

NAMESPACE = "emissary"
_REGISTRY = "oci://ghcr.io/emissary-ingress"
_API = "getambassador.io/v3alpha1"
_LISTENERS = {"http": ("HTTP", 8080), "https": ("HTTPS", 8443)}


@dataclass(frozen=True, kw_only=True)
class EmissaryArgs:
    """`version` is that of both charts and of what they run; `faces` is the namespace of the Services behind it."""

    version: str
    charts: ChartSource
    faces: pulumi.Input[str]
    service_type: str = "LoadBalancer"


class Emissary(pulumi.ComponentResource):
    """Faces is below its port 80: the GUI at /faces/, what the GUI asks at /face/."""

    def __init__(self, name: str, args: EmissaryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh:emissary:Emissary", name, None, opts)
        self._name = name
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            # It shows what the mesh makes of callers that are not on it.
            metadata={"name": NAMESPACE, "annotations": {"linkerd.io/inject": "disabled"}},
            opts=pulumi.ResourceOptions(parent=self),
        )
        release = partial(self._release, args, namespace)
        definitions = release("crds", "emissary-crds-chart", {})
        # The ingress brings an object of these definitions.
        ingress = release(
            "ingress",
            "emissary-ingress",
            {
                "replicaCount": 1,
                "nameOverride": "emissary",
                "fullnameOverride": "emissary",
                "service": {"type": args.service_type},
            },
            definitions,
        )
        for listener, (protocol, port) in _LISTENERS.items():
            self._object(
                "Listener",
                f"{listener}-listener",
                namespace.metadata.name,
                {
                    "port": port,
                    "protocol": protocol,
                    "securityModel": "XFP",
                    "hostBinding": {"namespace": {"from": "ALL"}},
                },
                ingress,
            )
        anywhere = {"hostname": "*", "requestPolicy": {"insecure": {"action": "Route"}}}
        self._object("Host", "wildcard-host", namespace.metadata.name, anywhere, ingress)
        for mapping, spec in {
            "face-mapping": {"prefix": "/face/", "service": pulumi.Output.concat("face.", args.faces)},
            "gui-mapping": {
                "prefix": "/faces/",
                "service": pulumi.Output.concat("faces-gui.", args.faces),
                "rewrite": "/",
            },
        }.items():
            # Faces is slow on purpose: whoever waits for it is to see that, not the ingress' own limit.
            self._object("Mapping", mapping, args.faces, {"hostname": "*", **spec, "timeout_ms": 0}, ingress)
        self.register_outputs({})

    def _release(
        self,
        args: EmissaryArgs,
        namespace: k8s.core.v1.Namespace,
        /,
        role: str,
        chart: str,
        values: dict[str, Any],
        *needed: pulumi.Resource,
    ) -> k8s.helm.v3.Release:
        place, repository = args.charts.locate(chart, args.version, _REGISTRY)
        return k8s.helm.v3.Release(
            f"{self._name}-{role}",
            name=f"emissary-{role}",
            chart=place,
            repository_opts=repository,
            version=args.version,
            namespace=namespace.metadata.name,
            values=values,
            opts=pulumi.ResourceOptions(parent=self, depends_on=needed),
        )

    def _object(
        self, kind: str, name: str, namespace: pulumi.Input[str], spec: dict[str, Any], needed: pulumi.Resource
    ) -> None:
        k8s.apiextensions.CustomResource(
            f"{self._name}-{name}",
            api_version=_API,
            kind=kind,
            metadata={"name": name, "namespace": namespace},
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[needed]),
        )
