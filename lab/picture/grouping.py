"""Equal things drawn once: fifty devices behind one Service are one node that says so."""

from collections import defaultdict
from dataclasses import replace

from lab.picture.graph import Edge, Graph, Node

MOST_ALONE = 3  # so many equal ones are still drawn each for itself

_Signature = tuple[object, ...]


def grouped(graph: Graph, most_alone: int = MOST_ALONE) -> Graph:
    """The graph with nodes of a family that differ in nothing but their names and `own` lines drawn as one."""
    families = {node.key: node.family or node.key for node in graph.nodes}
    found: dict[_Signature, list[Node]] = defaultdict(list)
    for node in graph.nodes:
        found[_signature(node, families, _leading(graph, node.key, families))].append(node)
    instead: dict[str, str] = {}
    drawn: dict[str, Node] = {}
    for members in found.values():
        together = len(members) > most_alone and bool(members[0].family)
        for node in members:
            instead[node.key] = members[0].key if together else node.key
            drawn[node.key] = node
        if together:
            drawn[members[0].key] = _one(members)
    edges: dict[tuple[str, str, str], Edge] = {}
    for edge in graph.edges:
        moved = replace(edge, source=instead[edge.source], target=instead[edge.target])
        edges.setdefault(moved.key, moved)
    return replace(
        graph,
        nodes=tuple(drawn[node.key] for node in graph.nodes if instead[node.key] == node.key),
        edges=tuple(edges.values()),
    )


def _leading(graph: Graph, key: str, families: dict[str, str]) -> frozenset[_Signature]:
    out = {
        (edge.kind, edge.label, edge.mark, "to", families[edge.target]) for edge in graph.edges if edge.source == key
    }
    into = {
        (edge.kind, edge.label, edge.mark, "from", families[edge.source]) for edge in graph.edges if edge.target == key
    }
    return frozenset(out | into)


def _signature(node: Node, families: dict[str, str], edges: frozenset[_Signature]) -> _Signature:
    return families[node.key], node.kind, node.place, node.lines, node.mark, node.health, edges


def _one(members: list[Node]) -> Node:
    first, last = members[0], members[-1]
    own = tuple(
        one if one == other else f"{one} … {other}" for one, other in zip(first.own, last.own, strict=True) if one
    )
    return replace(
        first,
        title=f"{first.title} … {last.title}",
        lines=(f"{len(members)} {_PLURALS.get(first.kind, first.kind)}", *first.lines),
        own=own,
        count=len(members),
    )


_PLURALS = {"service": "Services", "device": "devices", "container": "containers", "registered": "workloads"}
