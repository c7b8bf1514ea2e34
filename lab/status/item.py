"""What `lab status` says about one thing: how it is, in a word, and what to type when that is not well."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

NOT_ASKED = "not asked"


class State(StrEnum):
    """`SOON` is well and will not stay so; `UNKNOWN` is what nobody could be asked, which counts as nothing."""

    WELL = "well"
    SOON = "soon"
    UNKNOWN = "unknown"
    BAD = "bad"


class Part(StrEnum):
    """The parts of the screen, in their order."""

    STACK = "Stack"
    CLUSTER = "Cluster"
    CERTIFICATES = "Certificates"
    WORKLOADS = "Workloads"
    MACHINES = "Machines"
    ROUTES = "Routes"
    POLICY = "Policy"
    GUI = "GUI"


_ONE = {
    Part.STACK: "stack",
    Part.CERTIFICATES: "certificate",
    Part.WORKLOADS: "workload",
    Part.ROUTES: "route",
    Part.POLICY: "policy",
}


@dataclass(frozen=True, kw_only=True)
class Item:
    """One line. `word` is how it is (`Ready`, `differs`), `text` what else there is to say, `next` what to type.

    `facts` are for programs. Where many are well, one line says so of all that have the same `plural`.
    """

    part: Part
    subject: str
    state: State
    word: str
    text: str = ""
    next: str = ""
    plural: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What it is about, where its part is not said beside it."""
        return f"{_ONE[self.part]} {self.subject}" if self.part in _ONE else self.subject

    def __post_init__(self) -> None:
        for name in ("text", "next"):
            object.__setattr__(self, name, " ".join(getattr(self, name).split()))
