"""A Kubernetes cluster of both address families in a container of this machine's Docker."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

import versions
from components.cluster.cluster import Cluster
from components.cluster.made import Made, Steps, ask, now, own_mark, refuse
from domain import kind


@dataclass(frozen=True, kw_only=True)
class KindClusterArgs:
    """`cluster` is its name; the ranges are one of each family, the cluster's first family first.

    `adopt` uses a cluster of that name that is there already, instead of refusing; such a cluster is neither changed nor
    taken away.
    """

    cluster: str = "sma-dual"
    image: str = versions.KIND_IMAGE
    pod_cidrs: Sequence[str] = ("fd00:10:1::/64", "10.10.1.0/24")
    service_cidrs: Sequence[str] = ("fd00:10:2::/112", "10.10.2.0/24")
    adopt: bool = False


class KindCluster(Cluster):
    """Made with kind, one node in Docker's network `kind`; made anew when it is found gone."""

    def __init__(self, name: str, args: KindClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh:cluster:KindCluster", name, None, opts)
        mark = own_mark(name, self)
        found = ask("kind", {"CLUSTER_NAME": args.cluster}).apply(kind.cluster)
        made_at = _made(args, found, mark)
        made = Made(
            name,
            Steps(
                tool="kind",
                environment={"CLUSTER_NAME": args.cluster, "CLUSTER_MARK": mark},
                makes_anew={"CLUSTER_IMAGE": _checked(args, found), "CLUSTER_MADE": made_at},
                changes={"CLUSTER_ADOPT": "yes" if args.adopt else "no"},
                stdin=pulumi.Output.all(mark, made_at).apply(
                    lambda known: kind.config(
                        pod_cidrs=args.pod_cidrs, service_cidrs=args.service_cidrs, mark=known[0], made=known[1]
                    )
                ),
            ),
            self,
        )
        self.reach(
            name,
            kubeconfig=made.kubeconfig,
            identifier=made.identity,
            # What is in a cluster that this stack made is this stack's.
            adopt_existing=not args.adopt,
        )
        self.register_outputs({})


_Found = pulumi.Output[kind.KindCluster | None]


def _made(args: KindClusterArgs, found: _Found, mark: pulumi.Output[str]) -> pulumi.Output[str]:
    """When the cluster was made, as its node says; now, where there is none."""

    def made(cluster: kind.KindCluster | None, own: str) -> str:
        refuse(kind.problems(cluster, name=args.cluster, mark=own, adopt=args.adopt))
        return now() if cluster is None else cluster.made

    return pulumi.Output.unsecret(pulumi.Output.all(found, mark).apply(lambda known: made(known[0], known[1])))


def _checked(args: KindClusterArgs, found: _Found) -> pulumi.Output[str]:
    """The image. The first preview has no mark yet, and refuses here what can be refused without one."""

    def image(cluster: kind.KindCluster | None) -> str:
        refuse(kind.problems(cluster, name=args.cluster, mark=None, adopt=args.adopt))
        return args.image

    return pulumi.Output.unsecret(found.apply(image))
