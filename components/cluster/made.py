"""What the clusters have in common that the program makes with a tool of this machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

import pulumi
import pulumi_command as command

from components.cluster.cluster import script
from domain.problem import Problem


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Scripts `create`, `update`, `delete`, `kubeconfig` below `assets/cluster/<tool>` and what they are told.

    `environment` is what all of them need; a change of `makes_anew` or of `stdin` replaces the cluster, one of `changes`
    updates it.
    """

    tool: str
    environment: Mapping[str, pulumi.Input[str]]
    makes_anew: Mapping[str, pulumi.Input[str]]
    changes: Mapping[str, pulumi.Input[str]]
    stdin: pulumi.Input[str] | None = None


class Made:
    """The cluster and its kubeconfig as commands, children of `parent`.

    `identity` is another one whenever the cluster is.
    """

    def __init__(self, name: str, steps: Steps, parent: pulumi.Resource) -> None:
        told = {**steps.environment, **steps.makes_anew, **steps.changes}
        triggers = [*(told[key] for key in sorted(steps.makes_anew)), *([steps.stdin] if steps.stdin else [])]
        # Not an output of the cluster's own: what takes one is deleted before the cluster is, in one chain with its provider,
        # and with a cluster that is gone already the engine hangs there (seen with 3.259).
        self.identity = pulumi.Output.all(*steps.environment.values(), *triggers).apply(_digest)
        self.cluster = command.local.Command(
            name,
            create=script(f"{steps.tool}/create"),
            update=script(f"{steps.tool}/update"),
            delete=script(f"{steps.tool}/delete"),
            environment=told,
            stdin=steps.stdin,
            triggers=triggers,
            logging=command.local.Logging.STDERR,
            add_previous_output_in_env=False,
            # One name, one set of ports: the new one cannot be made beside the old one.
            opts=pulumi.ResourceOptions(parent=parent, delete_before_replace=True),
        )
        self._kubeconfig = command.local.Command(
            f"{name}-kubeconfig",
            create=script(f"{steps.tool}/kubeconfig"),
            environment=steps.environment,
            triggers=[self.identity],
            logging=command.local.Logging.NONE,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(
                parent=parent, depends_on=[self.cluster], additional_secret_outputs=["stdout", "stderr"]
            ),
        )

    @property
    def kubeconfig(self) -> pulumi.Output[str]:
        """What the tool printed; a secret."""
        return pulumi.Output.secret(self._kubeconfig.stdout)


def own_mark(name: str, parent: pulumi.Resource) -> pulumi.Output[str]:
    """What tells the clusters of this very stack from all others; it lasts as long as the stack."""
    made = command.local.Command(
        f"{name}-mark",
        create=script("mark"),
        # Without an update a change of any input would make another mark, and the cluster would be nobody's.
        update='printf %s "$PULUMI_COMMAND_STDOUT"',
        logging=command.local.Logging.NONE,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return made.stdout


def ask(tool: str, environment: Mapping[str, str] | None = None) -> pulumi.Output[str]:
    """What the tool's `found` script prints, in previews too; a secret."""
    asked = command.local.run_output(
        command=script(f"{tool}/found"), environment=environment, logging=command.local.Logging.NONE
    )
    return pulumi.Output.secret(asked.stdout)


def refuse(problems: Sequence[Problem]) -> None:
    """End the program with all problems, if there are any."""
    if problems:
        raise pulumi.RunError("\n".join(str(problem) for problem in problems))


def now() -> str:
    """When a cluster that is not there is made; a new one each time, so that a lost cluster is made anew."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"


def _digest(values: Sequence[str]) -> str:
    return sha256("\0".join(values).encode()).hexdigest()[:16]
