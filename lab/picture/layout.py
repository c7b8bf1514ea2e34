"""Where everything is drawn: frames beside and below each other, the cluster with its trust above it, machines to its right."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.picture.box import LINE, ROW, Box, bottom, lines, right, size, title, width
from lab.picture.columns import Pass, columns
from lab.picture.graph import Graph, Place

PADDING = 14.0
_GAP = 15.0  # between machines
_BETWEEN = 120.0  # from the cluster to what is outside


@dataclass(frozen=True)
class Layout:
    """Rectangles of places and nodes by their keys, and of the whole.

    `passes` are, by source and target of an arrow, the spans of columns that it leads through: rectangles without a height.
    """

    boxes: Mapping[str, Box]
    passes: Mapping[tuple[str, str], Sequence[Box]]
    width: float
    height: float


def layout(graph: Graph) -> Layout:
    """The cluster with its trust above it, and to the right of it what is outside."""
    # What the cluster is stands to the left of what it holds for the mesh, so that no arrow leads through the words.
    aside = _text(_place(graph, "cluster")) + 30
    trust = {
        key: box.moved(aside, -_head(_place(graph, "trust")) + PADDING) for key, box in _row(graph, "trust").items()
    }
    cluster = _cluster(graph, aside)
    outside = _stacked(
        [(place, _column(graph, place, cluster)) for place in graph.below("outside")], _outside_text(graph)
    )
    wide = max(right(trust), right(cluster))
    boxes: dict[str, Box] = {}
    below = _put(boxes, graph, "trust", trust, 0, 0, wide) + 34
    low = below + _put(boxes, graph, "cluster", cluster, 0, below, wide)
    far = boxes["cluster"].width
    if outside:
        middle = _middle(boxes, graph, low)
        high = bottom(outside) + _head(_place(graph, "outside")) + PADDING
        top = max(0.0, middle - high / 2)
        _put(boxes, graph, "outside", outside, far + _BETWEEN, top, right(outside))
        far, low = far + _BETWEEN + boxes["outside"].width, max(low, top + high)
    passes: dict[tuple[str, str], list[Box]] = defaultdict(list)
    for key in sorted(key for key in boxes if isinstance(key, Pass)):
        passes[key.source, key.target].append(boxes[key])
    return Layout(boxes, passes, far, low)


def _outside_text(graph: Graph) -> float:
    return max((_text(place) - 2 * PADDING for place in graph.below("") if place.key == "outside"), default=0.0)


def _place(graph: Graph, key: str) -> Place:
    return next(place for place in graph.places if place.key == key)


def _middle(boxes: Mapping[str, Box], graph: Graph, otherwise: float) -> float:
    """Half-way down what leads outside."""
    known = graph.by_key
    ways = {
        edge.source for edge in graph.edges if edge.kind == "reaches" and known[edge.target].place.startswith("outside")
    }
    rows = [boxes[key].y + boxes[key].height / 2 for key in ways if key in boxes]
    return (min(rows) + max(rows)) / 2 if rows else otherwise / 2


def _head(place: Place) -> float:
    return 32 + ROW * len(lines(place))


def _row(graph: Graph, key: str) -> dict[str, Box]:
    found, x = {}, 0.0
    tallest = max((size(node)[1] for node in graph.inside(key)), default=0.0)
    for node in graph.inside(key):
        wide, _ = size(node)
        found[node.key] = Box(x, 0, wide, tallest)
        x += wide + 40
    return found


def _column(graph: Graph, place: Place, cluster: Mapping[str, Box]) -> dict[str, Box]:
    """Machines one below the other, in the order of what leads to them."""
    found, y = {}, 0.0
    wide = max((size(node)[0] for node in graph.inside(place.key)), default=0.0)
    into: dict[str, list[float]] = defaultdict(list)
    for edge in graph.edges:
        if edge.source in cluster:
            into[edge.target].append(cluster[edge.source].y)
    for node in sorted(graph.inside(place.key), key=lambda node: min(into[node.key], default=0.0)):
        found[node.key] = Box(0, y, wide, size(node)[1])
        y += size(node)[1] + _GAP
    return found


def _cluster(graph: Graph, aside: float) -> dict[str, Box]:
    up = PADDING - _head(_place(graph, "cluster"))
    planes = {key: box.moved(aside, up) for key, box in _row(graph, "cluster").items()}
    spaces = _stacked([(place, columns(graph, place)) for place in graph.below("cluster")], right(planes))
    down = max(0.0, bottom(planes) + 22)
    return {**planes, **{key: box.moved(0, down) for key, box in spaces.items()}}


def _stacked(inner: Sequence[tuple[Place, Mapping[str, Box]]], least: float) -> dict[str, Box]:
    """Frames one below the other, all as wide as the widest."""
    found: dict[str, Box] = {}
    wide = max(max((max(right(boxes), _text(place)) for place, boxes in inner), default=0.0), least)
    y = 0.0
    for place, boxes in inner:
        high = _head(place) + bottom(boxes) + PADDING
        found[place.key] = Box(0, y, wide + 2 * PADDING, high)
        found |= {key: box.moved(PADDING, y + _head(place)) for key, box in boxes.items()}
        y += high + 20
    return found


def _text(place: Place) -> float:
    return max(width(title(place), LINE * 1.1), *(width(line, LINE) for line in [*lines(place), ""]))


def _put(
    boxes: dict[str, Box], graph: Graph, key: str, inner: Mapping[str, Box], x: float, y: float, wide: float
) -> float:
    """Put a frame of the top level with what is in it; returns its height."""
    place = _place(graph, key)
    high = _head(place) + bottom(inner) + PADDING
    boxes[key] = Box(x, y, max(wide, _text(place)) + 2 * PADDING, high)
    boxes |= {name: box.moved(x + PADDING, y + _head(place)) for name, box in inner.items()}
    return high
