"""A cluster that is there already."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s


@dataclass(frozen=True, kw_only=True)
class ExistingClusterArgs:
    """`kubeconfig` is a path; `identifier` names the cluster for as long as it is the same one.

    Without an identifier Pulumi tells clusters apart by the kubeconfig's text, and a new port or certificate would
    replace every object. `adopt_existing` takes over objects that exist already, instead of refusing.
    """

    kubeconfig: str
    context: str | None
    identifier: str
    adopt_existing: bool


class ExistingCluster(pulumi.ComponentResource):
    """Gives `provider`, through which every object of the cluster is declared."""

    provider: k8s.Provider

    def __init__(self, name: str, args: ExistingClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh:cluster:ExistingCluster", name, None, opts)
        self.provider = k8s.Provider(
            f"{name}-provider",
            kubeconfig=args.kubeconfig,
            context=args.context,
            cluster_identifier=args.identifier,
            upsert_existing_objects=args.adopt_existing,
            # Otherwise `pulumi destroy` fails for ever once the cluster itself is gone.
            delete_unreachable=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
