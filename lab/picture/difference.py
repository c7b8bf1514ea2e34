"""Two graphs as one in which everything says what became of it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from lab.picture.graph import Edge, Graph, Mark, Node, Place

_Item = TypeVar("_Item", Place, Node, Edge)
_WORDS = {Mark.ADDED: "+ added", Mark.REMOVED: "- removed", Mark.CHANGED: "≠ changed"}


def compare(before: Graph, after: Graph) -> Graph:
    """What is in either, marked; what changed says in its lines what it was. Nothing is grouped yet in either graph."""
    return Graph(
        title=after.title if before.title == after.title else f"{before.title} → {after.title}",
        places=tuple(_merged(before.places, after.places, _place)),
        nodes=tuple(_merged(before.nodes, after.nodes, _node)),
        edges=tuple(_merged(before.edges, after.edges, _edge)),
    )


def words(graph: Graph) -> list[str]:
    """What is marked, one line each, for who does not look at pictures."""
    titles = {node.key: node.title for node in graph.nodes}
    found = [f"{_WORDS[place.mark]}: {', '.join((place.title, *place.lines))}" for place in graph.places if place.mark]
    found += [
        f"{_WORDS[node.mark]}: {', '.join((node.title, *node.lines, *node.own))}" for node in graph.nodes if node.mark
    ]
    for edge in graph.edges:
        if edge.mark:
            label = f" ({edge.label})" if edge.label else ""
            found.append(f"{_WORDS[edge.mark]}: {titles[edge.source]} → {titles[edge.target]}{label}")
    return found


def heading(mark: Mark) -> str:
    """The word that a marked thing begins with; empty for what stays."""
    return _WORDS.get(mark, "")


def said(edge: Edge) -> str:
    """What stands on an arrow: its label, and whether it was added or removed; a label that changed says so itself."""
    return ": ".join(filter(None, (edge.mark.value if edge.mark is not Mark.CHANGED else "", edge.label)))


def _merged(
    before: Iterable[_Item], after: Iterable[_Item], changed: Callable[[_Item, _Item], _Item]
) -> Iterator[_Item]:
    """In the order of `after`; what was removed stands behind what it stood behind before."""
    old: dict[Any, _Item] = {item.key: item for item in before}
    new: dict[Any, _Item] = {item.key: item for item in after}
    order: list[Any] = list(new)
    earlier: Any = None
    for key in old:
        if key not in new:
            order.insert(order.index(earlier) + 1 if earlier is not None else 0, key)
        earlier = key
    for key in order:
        if key not in new:
            yield replace(old[key], mark=Mark.REMOVED)
        elif key not in old:
            yield replace(new[key], mark=Mark.ADDED)
        else:
            yield new[key] if old[key] == new[key] else changed(old[key], new[key])


def _place(old: Place, new: Place) -> Place:
    gone = [line for line in (old.title, *old.lines) if line not in (new.title, *new.lines)]
    return replace(new, mark=Mark.CHANGED, lines=(*new.lines, *_was(gone)))


def _node(old: Node, new: Node) -> Node:
    gone = [line for line in (*old.lines, *old.own) if line not in (*new.lines, *new.own)]
    if old.place != new.place:
        gone.append(f"in {old.place.rpartition('/')[2]}")
    return replace(new, mark=Mark.CHANGED, lines=(*new.lines, *_was(gone)))


def _edge(old: Edge, new: Edge) -> Edge:
    return replace(new, mark=Mark.CHANGED, label=f"{old.label or 'let through'} → {new.label or 'let through'}")


def _was(lines: Iterable[str]) -> Iterator[str]:
    return (f"was: {line}" for line in lines)
