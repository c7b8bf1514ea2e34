"""What every cluster gives, however it came to be."""

import shlex
from abc import ABC
from collections.abc import Sequence

import pulumi
import pulumi_command as command
import pulumi_kubernetes as k8s

from domain import nodes

NODES = ("get", "nodes", "--output=json", "--request-timeout=20s")  # arguments of kubectl


class Cluster(pulumi.ComponentResource, ABC):
    """A cluster of some kind: a subclass calls `reach` in its constructor, once it knows how.

    `provider` is what every object of the cluster is declared through. After the cluster is gone, `pulumi destroy` and
    `pulumi refresh` still work: the provider drops what was in it.
    """

    provider: k8s.Provider

    def reach(
        self,
        name: str,
        *,
        kubeconfig: pulumi.Input[str],
        identifier: pulumi.Input[str],
        context: str | None = None,
        adopt_existing: bool = False,
        after: pulumi.Input[object] = None,
    ) -> None:
        """Make the provider out of a kubeconfig, as text or as a path.

        `identifier` names the cluster for as long as it is the same one: without it Pulumi tells clusters apart by the
        kubeconfig's text, and a new port or certificate would replace every object. `adopt_existing` takes over objects
        that exist already, instead of refusing. Its nodes are asked for once `after` is known.
        """
        self._after = after
        self._kubeconfig = pulumi.Output.secret(kubeconfig)
        self.provider = k8s.Provider(
            f"{name}-provider",
            kubeconfig=kubeconfig,
            context=context,
            cluster_identifier=identifier,
            upsert_existing_objects=adopt_existing,
            # Otherwise `pulumi destroy` fails for ever once the cluster itself is gone.
            delete_unreachable=True,
            opts=pulumi.ResourceOptions(parent=self),
        )

    @property
    def kubeconfig(self) -> pulumi.Output[str]:
        """The kubeconfig's text, with everything inside; a secret."""
        return self._kubeconfig

    def nodes(self) -> pulumi.Output[Sequence[nodes.Node]]:
        """Every node, asked for with kubectl whenever the program runs: no resource of the provider lists them."""
        asked = command.local.run_output(
            command=f"{script('with-kubeconfig')} {shlex.join(['kubectl', *NODES])}",
            stdin=pulumi.Output.all(self.kubeconfig, self._after).apply(lambda known: known[0]),
            logging=command.local.Logging.NONE,
        )
        return nodes_of(asked)


def script(name: str) -> str:
    """The command that runs a script below `assets/cluster`. The engine runs commands in the project's directory."""
    return f"sh assets/cluster/{name}"


def nodes_of(asked: pulumi.Output[command.local.RunResult]) -> pulumi.Output[Sequence[nodes.Node]]:
    """The nodes of an answer to `kubectl get nodes`; no secrets, whatever it was asked with."""
    return pulumi.Output.unsecret(asked.stdout).apply(nodes.parse)
