"""A k3s cluster in containers of this machine's Docker."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

import versions
from components.cluster.cluster import Cluster
from components.cluster.made import Made, Steps, ask, now, own_mark, refuse
from domain import k3d


@dataclass(frozen=True, kw_only=True)
class K3dClusterArgs:
    """`cluster` is its name, `network` the Docker network of its nodes, which is there before.

    The ports are those of this machine that lead to the cluster's ports 80 and 443. `k3s_arguments` are written as k3d
    takes them, each with the nodes that it is for (`--disable=servicelb@server:*`). `adopt` uses a cluster of that name
    that is there already, instead of refusing; such a cluster is neither changed nor taken away. `registries` is the text
    of k3s' registries.yaml, for mirrors of images.
    """

    cluster: str = "mesh-exp"
    network: pulumi.Input[str] = "mesh-exp"
    http_port: int = 80
    https_port: int = 443
    image: str = versions.K3D_IMAGE
    servers: int = 1
    agents: int = 0
    pod_cidr: str = "10.42.0.0/16"
    service_cidr: str = "10.43.0.0/16"
    k3s_arguments: Sequence[str] = ("--disable=traefik,metrics-server@server:*",)
    adopt: bool = False
    registries: str = ""


class K3dCluster(Cluster):
    """Made with k3d; made anew when it is found gone."""

    def __init__(self, name: str, args: K3dClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh:cluster:K3dCluster", name, None, opts)
        mark = own_mark(name, self)
        found = ask("k3d").apply(lambda text: k3d.named(k3d.clusters(text), args.cluster))
        arguments = [
            f"--cluster-cidr={args.pod_cidr}@server:*",
            f"--service-cidr={args.service_cidr}@server:*",
            *args.k3s_arguments,
        ]
        made = Made(
            name,
            Steps(
                tool="k3d",
                environment={"CLUSTER_NAME": args.cluster, "CLUSTER_MARK": mark},
                makes_anew={
                    "CLUSTER_MADE": _made(args, found, mark),
                    # The first preview has no mark yet, and refuses what can be refused without one.
                    "CLUSTER_NETWORK": _network(args, found),
                    "CLUSTER_IMAGE": args.image,
                    "CLUSTER_SERVERS": str(args.servers),
                    "CLUSTER_HTTP_PORT": str(args.http_port),
                    "CLUSTER_HTTPS_PORT": str(args.https_port),
                    "CLUSTER_K3S_ARGUMENTS": "\n".join(arguments),
                    "CLUSTER_REGISTRIES": args.registries,
                },
                changes={"CLUSTER_AGENTS": str(args.agents), "CLUSTER_ADOPT": "yes" if args.adopt else "no"},
            ),
            self,
        )
        self.reach(
            name,
            kubeconfig=made.kubeconfig.apply(k3d.kubeconfig),
            identifier=made.identity,
            # What is in a cluster that this stack made is this stack's.
            adopt_existing=not args.adopt,
            after=made.cluster.stdout,
        )
        self.register_outputs({})


_Found = pulumi.Output[k3d.K3dCluster | None]


def _made(args: K3dClusterArgs, found: _Found, mark: pulumi.Output[str]) -> pulumi.Output[str]:
    """When the cluster was made, as its nodes say; now, where there is none."""

    def made(cluster: k3d.K3dCluster | None, network: str, own: str) -> str:
        refuse(k3d.problems(cluster, name=args.cluster, network=network, mark=own, adopt=args.adopt))
        return now() if cluster is None else cluster.made

    return pulumi.Output.unsecret(
        pulumi.Output.all(found, args.network, mark).apply(lambda known: made(known[0], known[1], known[2]))
    )


def _network(args: K3dClusterArgs, found: _Found) -> pulumi.Output[str]:
    def network(cluster: k3d.K3dCluster | None, wanted: str) -> str:
        refuse(k3d.problems(cluster, name=args.cluster, network=wanted, mark=None, adopt=args.adopt))
        return wanted

    return pulumi.Output.unsecret(
        pulumi.Output.all(found, args.network).apply(lambda known: network(known[0], known[1]))
    )
