"""The nodes of one namespace in columns, so that what is called stands to the right of who calls.

The plain method of layered drawings: the longest way to each node is its column, the middle of its neighbours its row. Libraries
for Python that draw any graph need Graphviz on the machine.
"""

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence

from lab.picture.box import LINE, Box, size, width
from lab.picture.difference import said
from lab.picture.graph import Graph, Node, Place

_GAP_X, _GAP_Y = 92.0, 22.0
_WAY = 14.0  # height that an arrow takes in a column that it passes
_LAST = ("service", "pods")


class Pass(str):
    """The name of a place in a column that an arrow leads through."""

    source: str
    target: str

    @classmethod
    def at(cls, way: tuple[str, str], rank: int) -> "Pass":
        """Names sort as the columns do."""
        found = cls(f"{way[0]} \0 {way[1]} \0 {rank:04}")
        found.source, found.target = way
        return found


def columns(graph: Graph, place: Place) -> dict[str, Box]:
    """Nodes of a namespace in columns, so that what is called stands to the right of who calls."""
    nodes = {node.key: node for node in graph.inside(place.key)}
    ways = list(
        dict.fromkeys(
            (edge.source, edge.target) for edge in graph.edges if edge.source in nodes and edge.target in nodes
        )
    )
    rank = _ranks(nodes, ways)
    ordered: list[list[str]] = [[] for _ in range(max(rank.values(), default=0) + 1)]
    for key in nodes:
        ordered[rank[key]].append(key)
    steps: list[tuple[str, str]] = []
    for way in ways:
        passed = [Pass.at(way, between) for between in range(rank[way[0]] + 1, rank[way[1]])]
        for step in passed:
            ordered[rank[way[0]] + 1 + passed.index(step)].append(step)
        chain = [way[0], *passed, way[1]]
        steps += itertools.pairwise(chain)
    rows = _rows(ordered, steps)
    found: dict[str, Box] = {}
    x = 0.0
    for column in ordered:
        wide = max((size(nodes[key])[0] for key in column if key in nodes), default=0.0)
        for key in column:
            found[key] = Box(x, 0, wide, size(nodes[key])[1] if key in nodes else _WAY)
        x += wide + _gap(graph)
    return _settled(ordered, found, steps, rows)


def _gap(graph: Graph) -> float:
    """Between columns, so that what is written on arrows has room."""
    return max([_GAP_X, *(width(said(edge), LINE) + 72 for edge in graph.edges)])


def _ranks(nodes: Mapping[str, Node], ways: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The longest way to each; Services that end a way stand in the last column, rules in the one before."""
    rank = dict.fromkeys(nodes, 0)
    for _ in nodes:  # a circle of calls ends here
        for source, target in ways:
            rank[target] = min(max(rank[target], rank[source] + 1), len(nodes) - 1)
    last = max(rank.values(), default=0)
    leads = {source for source, _ in ways}
    fed = {target for _, target in ways}
    for key, node in nodes.items():
        if node.kind in _LAST and key not in leads:
            rank[key] = last
        elif node.kind in ("access", "route") and key not in fed:
            rank[key] = max(0, last - 1)
    return rank


def _rows(columns: Sequence[Sequence[str]], ways: Sequence[tuple[str, str]]) -> dict[str, float]:
    """The order inside columns by the middle of the neighbours, a few times to and fro; ties stay as they are written."""
    place = {key: float(index) for column in columns for index, key in enumerate(column)}
    near: dict[str, list[str]] = defaultdict(list)
    for source, target in ways:
        near[source].append(target)
        near[target].append(source)
    for sweep in range(6):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            middle = {key: _mean([place[other] for other in near[key]], place[key]) for key in column}
            for index, key in enumerate(sorted(column, key=lambda key: (middle[key], place[key]))):
                place[key] = float(index)
    return place


def _settled(
    columns: Sequence[Sequence[str]],
    boxes: Mapping[str, Box],
    ways: Sequence[tuple[str, str]],
    rows: Mapping[str, float],
) -> dict[str, Box]:
    """Rows as heights: each column in its order, as near to its neighbours as there is room."""
    y: dict[str, float] = {}
    near: dict[str, list[str]] = defaultdict(list)
    for source, target in ways:
        near[source].append(target)
        near[target].append(source)
    tallest = max(range(len(columns)), key=lambda index: sum(boxes[key].height + _GAP_Y for key in columns[index]))
    # The tallest column decides, the others follow it outwards.
    for index in sorted(range(len(columns)), key=lambda index: abs(index - tallest)):
        lowest = 0.0
        for key in sorted(columns[index], key=lambda key: rows[key]):
            asked = _mean([y[other] + boxes[other].height / 2 for other in near[key] if other in y], -1.0)
            wanted = asked - boxes[key].height / 2 if asked >= 0 else lowest
            y[key] = max(lowest, wanted)
            lowest = y[key] + boxes[key].height + _GAP_Y
    return {key: Box(box.x, y[key], box.width, box.height) for key, box in boxes.items()}


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
