"""The Gateway API's CustomResourceDefinitions, standard channel; Linkerd reads them and does not bring them."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

_OFFICIAL = "https://github.com/kubernetes-sigs/gateway-api/releases/download/v{version}/standard-install.yaml"


@dataclass(frozen=True, kw_only=True)
class GatewayApiArgs:
    """`manifest` is a file or URL to take instead of the official release of `version`."""

    version: str
    manifest: str | None


class GatewayApi(pulumi.ComponentResource):
    """Definitions of HTTPRoute, GRPCRoute and their kin."""

    def __init__(self, name: str, args: GatewayApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh:cluster:GatewayApi", name, None, opts)
        k8s.yaml.v2.ConfigFile(
            f"{name}-definitions",
            file=args.manifest or _OFFICIAL.format(version=args.version),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
