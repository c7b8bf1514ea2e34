"""The twin: a whole lab on a cluster that this machine runs."""

from typing import Any

from settings.labs import TwinSettings
from stacks import mesh
from stacks.existing import existing


def compose(settings: TwinSettings) -> dict[str, Any]:
    """The cluster is there before: `lab up` starts it."""
    return mesh.compose(settings, existing(settings, settings.cluster))
