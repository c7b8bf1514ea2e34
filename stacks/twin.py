"""The twin: a whole lab on a cluster that this machine runs."""

from typing import Any

import pulumi

from components.cluster.existing import ExistingCluster, ExistingClusterArgs
from settings import Settings
from stacks import mesh


def compose(settings: Settings) -> dict[str, Any]:
    """The cluster is there before: `lab up` starts it."""
    cluster = ExistingCluster(
        "cluster",
        ExistingClusterArgs(
            kubeconfig=settings.cluster.kubeconfig,
            context=settings.cluster.context,
            identifier=f"{settings.lab}-{pulumi.get_stack()}",
            adopt_existing=settings.cluster.adopt_existing,
        ),
    )
    return mesh.compose(settings, cluster)
