"""A k3s cluster on one machine, installed over SSH, and taken out again as if it had never been there."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pulumi
import pulumi_command as command

from components.cluster.cluster import Cluster
from components.cluster.k3s_scripts import scripts
from components.edge.connection import Connection
from domain import k3s, kubeconfig, nodes
from domain.workloads import Network

_WARN_BEFORE = timedelta(days=30)
# What the engine would otherwise send to a machine that does not answer any more.
_ALL_INPUTS = ["connection", "create", "update", "delete", "stdin", "triggers", "logging", "addPreviousOutputInEnv"]


@dataclass(frozen=True, kw_only=True)
class K3sClusterArgs:
    """`release` is ignored with `adopt`: a k3s that is there already is used as it is, and never removed.

    `artefact` is the program on this machine, where the other one does not download it; `release` then comes from
    `pushed_release`. `address` is the node's InternalIP; k3s chooses it where it is None. `identifier` names the lab.
    `node_ports` are ports of Services that must be free. `credentials` is the generation of the administrator's certificate:
    a higher one reads it again, after k3s renewed it. `gone`: the machine will not be asked anything any more.
    `registries` is the text of k3s' registries.yaml, for mirrors of images.
    """

    connection: Connection
    identifier: str
    release: k3s.Release
    artefact: Path | None = None
    address: str | None
    pod_network: Network
    service_network: Network
    node_ports: Sequence[int]
    credentials: int = 1
    adopt: bool = False
    adopt_existing: bool = False
    enable_cgroups: bool = False
    gone: bool = False
    registries: str = ""


def pushed_release(version: str, artefact: Path) -> k3s.Release:
    """The release of a program that is pushed. Raises ValueError for what is no version, OSError without the file."""
    with artefact.open("rb") as content:
        return k3s.pushed(version, hashlib.file_digest(content, "sha256").hexdigest())


class K3sCluster(Cluster):
    """The machine checked and made ready, k3s on it, and the administrator's kubeconfig read back."""

    def __init__(self, name: str, args: K3sClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh:cluster:K3sCluster", name, None, opts)
        self._args = args
        host = args.connection.host
        self._server = k3s.Server(
            host=host, address=args.address, pod_network=args.pod_network, service_network=args.service_network
        )
        last: pulumi.Resource = self._command(
            f"{name}-machine", k3s.prepare_stdin(self._machine(), scripts()), delete=self._remove(keep=False)
        )
        if not args.adopt:
            pushed = [self._push(name, last)] if args.artefact else []
            last = self._command(
                f"{name}-k3s",
                k3s.converge_stdin(args.release, self._server, scripts(), args.registries),
                delete=self._remove(keep=True),
                depends_on=[last, *pushed],
            )
        read = self._command(
            f"{name}-kubeconfig",
            k3s.read_stdin(scripts()),
            depends_on=[last],
            triggers=[args.credentials],
            secret=True,
        )
        answer: pulumi.Output[str] = pulumi.Output.secret(read.stdout)
        self.reach(
            name,
            kubeconfig=answer.apply(lambda text: self._reached(text, host)),
            identifier=pulumi.Output.unsecret(answer.apply(kubeconfig.cluster_identity)).apply(
                lambda identity: f"{args.identifier}-{identity}"
            ),
            adopt_existing=args.adopt_existing,
        )
        if args.gone:
            pulumi.warn(self._left_behind(), self)
        self.register_outputs({"host": host, "version": None if args.adopt else args.release.version})

    def nodes(self) -> pulumi.Output[Sequence[nodes.Node]]:
        """Every node, asked for whenever the program runs; of a machine that is gone the one that k3s made there."""
        if not self._args.gone:
            return super().nodes()
        return pulumi.Output.from_input([k3s.first_node(self._server)])

    def _machine(self) -> k3s.Machine:
        args = self._args
        return k3s.Machine(
            cluster=args.identifier,
            architectures=sorted(args.release.sha256),
            node_ports=sorted(args.node_ports),
            adopt=args.adopt,
            enable_cgroups=args.enable_cgroups,
        )

    def _command(
        self,
        name: str,
        stdin: str,
        *,
        delete: str | None = None,
        depends_on: Sequence[pulumi.Resource] = (),
        triggers: Sequence[int] | None = None,
        secret: bool = False,
    ) -> command.remote.Command:
        gone = self._args.gone
        run = "sudo -n sh -s" if self._args.connection.sudo else "sh -s"
        return command.remote.Command(
            name,
            connection=self._args.connection.arguments(),
            create=run,
            delete=delete,
            stdin=stdin,
            triggers=list(triggers) if triggers else None,
            logging=command.remote.Logging.STDERR if secret else None,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(depends_on),
                additional_secret_outputs=["stdout"] if secret else None,
                ignore_changes=_ALL_INPUTS if gone else None,
                retain_on_delete=gone,
            ),
        )

    def _push(self, name: str, after: pulumi.Resource) -> pulumi.Resource:
        gone = self._args.gone
        return command.remote.CopyToRemote(
            f"{name}-artefact",
            connection=self._args.connection.arguments(),
            source=pulumi.FileAsset(str(self._args.artefact)),
            remote_path=k3s.PUSHED,
            # Another machine in its place has none of it.
            triggers=[self._args.connection.host, self._args.connection.host_key],
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[after],
                ignore_changes=["connection", "source", "remotePath", "triggers"] if gone else None,
                retain_on_delete=gone,
            ),
        )

    def _remove(self, *, keep: bool) -> str | None:
        return None if self._args.adopt else k3s.remove_command(keep=keep, sudo=self._args.connection.sudo)

    def _reached(self, text: str, host: str) -> str:
        end = kubeconfig.certificate_end(text)
        if end < datetime.now(UTC) + _WARN_BEFORE and not self._args.gone:
            pulumi.warn(
                f"the administrator's certificate of k3s on {host} ends on {end:%Y-%m-%d}: restart k3s there "
                "(systemctl restart k3s), which renews it, then raise cluster.credentials by one",
                self,
            )
        return kubeconfig.reached_at(text, host)

    def _left_behind(self) -> str:
        return (
            f"the cluster's machine {self._args.connection.host} is marked as gone: it is not asked any more. What stays on it: "
            f"k3s with everything in the cluster, its Secrets too. If it turns up again, run `sh {k3s.DATA}/remove` on it as "
            "root"
        )
