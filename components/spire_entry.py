"""One workload's entry in SPIRE: which process on which device gets the workload's identity."""

from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as k8s

from domain.spire import DEVICE_SELECTORS, agent_id
from domain.spire_chart import CLASS
from domain.workloads import Workload


class StaticEntry(k8s.apiextensions.CustomResource):
    """A ClusterStaticEntry; done when the controller has taken it up.

    Not when `set` is true: the controller says so only in the round that changed the entry, and takes it back in the next.

    `selectors` say which process on the machine gets the identity, as the agent there sees it; all must fit.
    """

    def __init__(
        self,
        name: str,
        workload: Workload,
        opts: pulumi.ResourceOptions | None = None,
        *,
        selectors: Sequence[str] = DEVICE_SELECTORS,
    ) -> None:
        super().__init__(
            name,
            api_version="spire.spiffe.io/v1alpha1",
            kind="ClusterStaticEntry",
            metadata={
                "name": f"mesh-expansion-{workload.name}",
                "annotations": {"pulumi.com/waitFor": "jsonpath={.status.rendered}=true"},
            },
            spec={
                "className": CLASS,
                "parentID": agent_id(workload.name),
                "spiffeID": workload.spiffe_id,
                "selectors": list(selectors),
            },
            opts=opts,
        )
