"""A cluster that the user brings, as every lab takes one."""

import pulumi

from components.cluster.existing import ExistingCluster, ExistingClusterArgs
from settings import Settings
from settings.cluster import ClusterSettings, DualStackClusterSettings


def existing(settings: Settings, asked: ClusterSettings | DualStackClusterSettings) -> ExistingCluster:
    """Declare what leads to it."""
    return ExistingCluster(
        "cluster",
        ExistingClusterArgs(
            kubeconfig=asked.kubeconfig,
            context=asked.context,
            identifier=f"{settings.lab}-{pulumi.get_stack()}",
            adopt_existing=asked.adopt_existing,
        ),
    )
