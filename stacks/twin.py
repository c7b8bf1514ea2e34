"""The twin: a whole lab on a cluster that this machine runs."""

from typing import Any

from settings.labs import TwinSettings
from stacks import on_cluster
from stacks.existing import existing


async def compose(settings: TwinSettings) -> dict[str, Any]:
    """The cluster is there before: `lab up` starts it."""
    return await on_cluster.compose(settings, existing(settings, settings.cluster))
