"""What `lab doctor` may say of the cluster."""

from collections.abc import Mapping

from lab.troubles.trouble import Checked, Trouble

CLUSTER: Mapping[str, Checked] = {
    "cluster.kubeconfig": Checked(
        what="the kubeconfig that the stack file names",
        troubles=(
            Trouble(
                says="... has no context ...; there are: ...",
                cause="`cluster.context` is another file's",
                do="`kubectl --kubeconfig FILE config get-contexts`",
            ),
            Trouble(
                says="its client certificate expired on ...",
                cause="k3s gives its administrator one for a year",
                do="get a new kubeconfig of the cluster and put it at the file's place",
            ),
            Trouble(says="its client certificate ends on ..., in ... days", cause="the same, soon", do="the same"),
        ),
    ),
    "cluster.reach": Checked(
        what="whether the cluster answers",
        troubles=(
            Trouble(
                says="nothing listens at ...: the cluster does not run, or has another address",
                cause="it is off, or was made anew with another port",
                do="start it, or fetch its kubeconfig again; `kubectl --kubeconfig FILE get nodes`",
            ),
            Trouble(
                says="... does not answer: it is off, or behind a firewall",
                cause="no way to the API server's port",
                do="`kubectl --kubeconfig FILE get nodes`",
            ),
            Trouble(
                says="... is another cluster than the kubeconfig's: its certificate does not fit",
                cause="a cluster that was made anew has another authority",
                do="fetch its kubeconfig again",
            ),
            Trouble(
                says="a certificate of ..., or of the kubeconfig, is not valid now",
                cause="it has expired, or a clock is wrong",
                do="`date -u` here and there",
            ),
            Trouble(
                says="the twin does not run (...); `make up` starts it",
                cause="nobody has started it since this machine did",
                do="`make up`",
            ),
        ),
    ),
    "cluster.nodes": Checked(
        what="nodes that devices can reach",
        troubles=(
            Trouble(
                says="it has no node that can be reached",
                cause="no node is Ready, or none has an InternalIP",
                do="`kubectl get nodes -o wide`",
            ),
        ),
    ),
    "cluster.ranges": Checked(
        what="the cluster's address ranges against the stack file's",
        troubles=(
            Trouble(
                says="node ... has pods in ..., outside of ...: devices would not reach them through the mesh",
                cause="the cluster was set up with another range",
                do="`kubectl get nodes -o jsonpath={..podCIDR}`, and the range in `cluster.pod-cidr`",
            ),
            Trouble(
                says="the Service kubernetes has the address ..., outside of ...",
                cause="the same for Services",
                do="`kubectl get service kubernetes`, and its range in `cluster.service-cidr`",
            ),
        ),
    ),
    "cluster.routes": Checked(
        what="routes that are there: whether Linkerd has taken them",
        troubles=(
            Trouble(
                says="Service ..., to which it sends requests, is not there",
                cause="somebody took away what a route sends requests to",
                do="bring it back, or take it out of `routes`; `make up`",
            ),
            Trouble(
                says="Linkerd has not said yet whether it accepts it",
                cause="its policy controller does not run, or has not come to it",
                do="`kubectl logs -n linkerd deploy/linkerd-destination -c policy`",
            ),
        ),
    ),
    "cluster.made": Checked(
        what="the name of a cluster that the lab makes with k3d or kind",
        troubles=(
            Trouble(
                says="a cluster that this stack did not make",
                cause="somebody else's, or one of a stack that is gone",
                do="`cluster.adopt: true`, another `cluster.name`, or `k3d cluster delete NAME`: [clusters](how-to/clusters.md)",
            ),
            Trouble(
                says="k3d says nothing of its clusters: ...",
                cause="its Docker engine does not answer",
                do="`k3d cluster list`",
            ),
            Trouble(
                says="kind says nothing of its clusters: ...",
                cause="its Docker engine does not answer",
                do="`kind get clusters`",
            ),
        ),
    ),
}
