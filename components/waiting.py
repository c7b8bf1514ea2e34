"""Components that are declared at once: of what is in them, only that waits which needs what came before.

A component that waits itself makes all of its children wait, and theirs: a machine's preparation for the control plane, a
namespace for whatever was declared before it. `up` then does one after the other what could be done side by side, and a
preview is a chain of as many questions to plugins.
"""

from collections.abc import Sequence
from copy import copy

import pulumi


def declared_at_once(
    opts: pulumi.ResourceOptions | None,
) -> tuple[pulumi.ResourceOptions, Sequence[pulumi.Resource]]:
    """Options for the component itself, and what `opts` says it depends on: for those children that cannot be without it."""
    own = copy(opts) if opts else pulumi.ResourceOptions()
    needed, own.depends_on = own.depends_on, None
    if needed is None:
        return own, []
    return own, [needed] if isinstance(needed, pulumi.Resource) else list(needed)  # type: ignore[arg-type]
