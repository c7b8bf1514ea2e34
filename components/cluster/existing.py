"""A cluster that is there already."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_command as command
import pulumi_kubernetes as k8s

from domain import nodes


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
        self._args = args
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

    def nodes(self) -> pulumi.Output[Sequence[nodes.Node]]:
        """Every node, asked for with kubectl whenever the program runs: no resource of the provider lists them."""
        chosen = [] if self._args.context is None else ["--context", self._args.context]
        asked = command.local.run_output(
            command=shlex.join(["kubectl", "get", "nodes", "--output=json", "--request-timeout=20s", *chosen]),
            environment={"KUBECONFIG": self._args.kubeconfig},
            logging=command.local.Logging.NONE,
        )
        return asked.apply(lambda answer: nodes.parse(answer.stdout))
