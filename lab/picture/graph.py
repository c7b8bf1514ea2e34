"""The topology as a graph: places inside places, what stands in them, and what leads where."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

NodeKind = Literal["anchor", "plane", "pods", "route", "access", "service", "device", "container", "registered"]
EdgeKind = Literal["signs", "calls", "refused", "shares", "reaches", "allows"]


class Mark(StrEnum):
    """What became of something between two pictures. The words are shown, so that nobody depends on colours."""

    SAME = ""
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Health(StrEnum):
    """What the cluster says of a workload; `UNKNOWN` where it was not asked, or says nothing."""

    UNKNOWN = ""
    READY = "ready"
    FAILING = "failing"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A frame with a title and lines of text below it. `parent` is the key of the frame that it is in."""

    key: str
    title: str
    lines: tuple[str, ...] = ()
    parent: str = ""
    mark: Mark = Mark.SAME


@dataclass(frozen=True, kw_only=True)
class Node:
    """Something that stands in a place.

    `lines` are what nodes of one `family` have in common, `own` what is each one's own (an address); nodes without a
    family are never drawn as one.
    """

    key: str
    kind: NodeKind
    place: str
    title: str
    lines: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    family: str = ""
    mark: Mark = Mark.SAME
    health: Health = Health.UNKNOWN
    count: int = 1


@dataclass(frozen=True, kw_only=True)
class Edge:
    """From a node to a node. There is one of a kind at most between two."""

    source: str
    target: str
    kind: EdgeKind
    label: str = ""
    mark: Mark = Mark.SAME

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from the others: a call that is refused is still that call."""
        return self.source, self.target, "calls" if self.kind == "refused" else self.kind


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Everything in the order in which the stack file says it; a place comes before what is in it."""

    title: str
    places: tuple[Place, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def inside(self, place: str) -> Iterator[Node]:
        """The nodes that stand in a place itself."""
        return (node for node in self.nodes if node.place == place)

    def below(self, place: str) -> Iterator[Place]:
        """The places that are in a place itself; of `""` those that are in none."""
        return (inner for inner in self.places if inner.parent == place)

    @property
    def by_key(self) -> Mapping[str, Node]:
        """The nodes by their keys."""
        return {node.key: node for node in self.nodes}

    @property
    def marked(self) -> bool:
        """Whether anything in it was added, removed or changed."""
        items: list[Place | Node | Edge] = [*self.places, *self.nodes, *self.edges]
        return any(item.mark for item in items)

    @property
    def framed(self) -> list[Place | Node]:
        """Everything with a title."""
        return [*self.places, *self.nodes]
