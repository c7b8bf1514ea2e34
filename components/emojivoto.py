"""The emojivoto demo, meshed: a web page whose every button is a gRPC method, and a bot that presses them."""

from collections.abc import Callable
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.traffic.grpc_routes import GrpcRoutes, GrpcRoutesArgs
from domain import inbound
from domain.emojivoto import NAMESPACE, WEB, Part, parts, routes


@dataclass(frozen=True, kw_only=True)
class EmojivotoArgs:
    """`image` makes a reference out of an image's name; with `routes` each gRPC method has a route of its own.

    `default_inbound` is what its pods do with calls that no policy speaks of, if not what the control plane says.
    """

    version: str
    image: Callable[[str], str]
    web_service_type: str = "ClusterIP"
    routes: bool = True
    default_inbound: str | None = None


class Emojivoto(pulumi.ComponentResource):
    """All of it is in one namespace, and leaves with it."""

    def __init__(self, name: str, args: EmojivotoArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh:emojivoto:Emojivoto", name, None, opts)
        self._name, self._args = name, args
        self._namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata={
                "name": NAMESPACE,
                "annotations": {"linkerd.io/inject": "enabled", **inbound.of_namespace(args.default_inbound)},
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        services = []
        for part in parts():
            self._deployment(part, self._account(part) if part.account else None)
            if part.service_ports:
                services.append(self._service(part))
        if args.routes:
            GrpcRoutes(
                f"{name}-routes",
                GrpcRoutesArgs(routes=routes(), namespace=self._namespace.metadata.name, leaves_with=self._namespace),
                pulumi.ResourceOptions(parent=self, depends_on=services),
            )
        self.register_outputs({})

    def _options(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, deleted_with=self._namespace)

    def _account(self, part: Part) -> k8s.core.v1.ServiceAccount:
        return k8s.core.v1.ServiceAccount(
            f"{self._name}-{part.name}-account",
            metadata={"name": part.name, "namespace": self._namespace.metadata.name},
            opts=self._options(),
        )

    def _deployment(self, part: Part, account: k8s.core.v1.ServiceAccount | None) -> None:
        labels = {"app": part.app}
        k8s.apps.v1.Deployment(
            f"{self._name}-{part.name}",
            metadata={
                "name": part.name,
                "namespace": self._namespace.metadata.name,
                "labels": {
                    "app.kubernetes.io/name": part.name,
                    "app.kubernetes.io/part-of": "emojivoto",
                    "app.kubernetes.io/version": self._args.version,
                },
            },
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=1,
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=labels),
                template=k8s.core.v1.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(
                        labels=labels, annotations=inbound.of_pods(self._args.default_inbound) or None
                    ),
                    spec=k8s.core.v1.PodSpecArgs(
                        service_account_name=account.metadata.name if account else None,
                        containers=[self._container(part)],
                    ),
                ),
            ),
            opts=self._options(),
        )

    def _container(self, part: Part) -> k8s.core.v1.ContainerArgs:
        return k8s.core.v1.ContainerArgs(
            name=part.app,
            image=self._args.image(f"docker.io/buoyantio/{part.image}:{self._args.version}"),
            command=list(part.command) or None,
            env=[k8s.core.v1.EnvVarArgs(name=name, value=value) for name, value in part.environment.items()],
            ports=[k8s.core.v1.ContainerPortArgs(name=name, container_port=port) for name, port in part.ports.items()]
            or None,
            resources=k8s.core.v1.ResourceRequirementsArgs(requests={"cpu": part.cpu}),
        )

    def _service(self, part: Part) -> k8s.core.v1.Service:
        return k8s.core.v1.Service(
            f"{self._name}-{part.app}",
            metadata={"name": part.app, "namespace": self._namespace.metadata.name},
            spec=k8s.core.v1.ServiceSpecArgs(
                type=self._args.web_service_type if part.app == WEB else "ClusterIP",
                selector={"app": part.app},
                ports=[
                    k8s.core.v1.ServicePortArgs(name=name, port=port, target_port=target)
                    for name, (port, target) in part.service_ports.items()
                ],
            ),
            opts=self._options(),
        )
