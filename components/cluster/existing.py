"""A cluster that is there already."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_command as command

from components.cluster.cluster import NODES, Cluster, nodes_of
from domain import nodes


@dataclass(frozen=True, kw_only=True)
class ExistingClusterArgs:
    """`kubeconfig` is a path; `identifier` and `adopt_existing` are as in `Cluster.reach`."""

    kubeconfig: str
    context: str | None
    identifier: str
    adopt_existing: bool


class ExistingCluster(Cluster):
    """Neither made nor taken away by this program."""

    def __init__(self, name: str, args: ExistingClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh:cluster:ExistingCluster", name, None, opts)
        self._args = args
        self.reach(
            name,
            kubeconfig=args.kubeconfig,
            context=args.context,
            identifier=args.identifier,
            adopt_existing=args.adopt_existing,
        )
        self.register_outputs({})

    @property
    def kubeconfig(self) -> pulumi.Output[str]:
        """Of the chosen context alone, with the files inside that it points to; read whenever the program asks."""
        return pulumi.Output.secret(self._kubectl("config", "view", "--raw", "--flatten", "--minify").stdout)

    def nodes(self) -> pulumi.Output[Sequence[nodes.Node]]:
        """Every node, asked for with kubectl whenever the program runs: no resource of the provider lists them."""
        return nodes_of(self._kubectl(*NODES))

    def _kubectl(self, *arguments: str) -> pulumi.Output[command.local.RunResult]:
        chosen = [] if self._args.context is None else ["--context", self._args.context]
        return command.local.run_output(
            command=shlex.join(["kubectl", *arguments, *chosen]),
            environment={"KUBECONFIG": self._args.kubeconfig},
            logging=command.local.Logging.NONE,
        )
