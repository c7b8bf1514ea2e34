"""The cluster's DNS for machines outside: a Service of the project's own, never a change of the cluster's."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

NODE_PORT = 30000


@dataclass(frozen=True, kw_only=True)
class ClusterDnsArgs:
    """`node_port` is where every node answers, over UDP and, for long answers, TCP."""

    node_port: int = NODE_PORT


class ClusterDns(pulumi.ComponentResource):
    """A NodePort in front of the pods labelled `k8s-app: kube-dns`, as K3s, kind and kubeadm all label them."""

    def __init__(self, name: str, args: ClusterDnsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh:dns:ClusterDns", name, None, opts)
        k8s.core.v1.Service(
            f"{name}-service",
            metadata={
                "name": "mesh-expansion-dns",
                "namespace": "kube-system",
                # The pods are there before this Service; waiting for its endpoints would only cost ten seconds.
                "annotations": {"pulumi.com/skipAwait": "true"},
            },
            spec=k8s.core.v1.ServiceSpecArgs(
                type="NodePort",
                selector={"k8s-app": "kube-dns"},
                ports=[
                    k8s.core.v1.ServicePortArgs(
                        name=f"dns-{protocol.lower()}",
                        port=53,
                        protocol=protocol,
                        target_port=53,
                        node_port=args.node_port,
                    )
                    for protocol in ("UDP", "TCP")
                ],
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
