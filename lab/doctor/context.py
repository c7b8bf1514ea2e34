"""What every check may ask: the settings, the state, and answers that several checks need."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from domain.nodes import Node
from lab.doctor.configuration import Configuration
from lab.doctor.finding import Finding
from lab.doctor.once import Once
from lab.doctor.state import State
from settings import Settings


@dataclass(frozen=True, kw_only=True)
class Context:
    """`settings` can be used; `waits` says why the lab is not there yet when `up` makes it, else it is empty.

    `nodes` answers with the cluster's nodes, None when the cluster cannot be asked. `looks` are those at the devices, and
    `architectures` collects what they turn out to be.
    """

    project: Path
    stack: str
    configuration: Configuration
    settings: Settings
    state: State
    nodes: Once[Sequence[Node] | None]
    gate: asyncio.Semaphore
    waits: str = ""
    looks: list[Once[list[Finding]]] = field(default_factory=list)
    architectures: dict[str, str] = field(default_factory=dict)

    def usable(self, *keys: str) -> bool:
        """Whether the settings hold what the operator wrote under each of these keys of the top level."""
        return not self.configuration.unusable & {*keys}
