"""What every row may ask: the promises of the configuration, the cluster, the places, what was issued."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lab.verify.cluster import Cluster
from lab.verify.promises import Promises
from lab.verify.shared import Shared

REQUESTS = 200


@dataclass(frozen=True, kw_only=True)
class Context:
    """`ends` are the ends of certificates that the stack issued, by their name, and `anchors` (PEM) is what it trusts.

    `requests` is how many are sent where shares are counted, `gui` is where the stack says that the GUI is.
    """

    stack: str
    promises: Promises
    cluster: Cluster
    places: Shared
    requests: int = REQUESTS
    ends: Mapping[str, datetime] = field(default_factory=dict)
    anchors: str = ""
    gui: str = ""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def up(self) -> str:
        """What brings the lab to what its file says."""
        return "make up" if self.stack == "twin" else f"make up STACK={self.stack}"

    @property
    def file(self) -> str:
        """Where the configuration is."""
        return f"stacks/Pulumi.{self.stack}.yaml"
