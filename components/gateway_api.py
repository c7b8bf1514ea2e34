"""The Gateway API's CustomResourceDefinitions, standard channel; Linkerd reads them and does not bring them."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

_OFFICIAL = "https://github.com/kubernetes-sigs/gateway-api/releases/download/v{version}/standard-install.yaml"


def official(version: str) -> str:
    """URL of the definitions of a release."""
    return _OFFICIAL.format(version=version)


@dataclass(frozen=True, kw_only=True)
class GatewayApiArgs:
    """`manifest` is the file or URL of the definitions."""

    manifest: str


class GatewayApi(pulumi.ComponentResource):
    """Definitions of HTTPRoute, GRPCRoute and their kin."""

    def __init__(self, name: str, args: GatewayApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh:cluster:GatewayApi", name, None, opts)
        k8s.yaml.v2.ConfigFile(
            f"{name}-definitions",
            file=args.manifest,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
