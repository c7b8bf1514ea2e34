"""A graph as an SVG that stands alone: no script, no font and no file from elsewhere."""

import itertools
import re
from collections.abc import Iterator
from html import escape

from lab.picture.box import LINE, ROW, TITLE, Box, lines, title, width
from lab.picture.difference import said, words
from lab.picture.graph import Edge, Graph, Health, Mark, Node, Place
from lab.picture.layout import Layout, layout

_MARGIN, _HEADING, _LEGEND = 20.0, 40.0, 46.0
_NEAR = 60.0
_SPOTS = (0.6, 0.5, 0.68, 0.4, 0.74, 0.32, 0.26)  # how far along an arrow its label may stand, the best first
_MOST_TOLD = 40  # of what changed, for who is read to instead of looking
# What XML cannot hold, in whatever form it is written.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STYLE = (
    ".frame{fill:#fafbfc;stroke:#8a94a0;stroke-dasharray:5 4}.inner{fill:#eef3f8;stroke:#8a94a0}"
    ".node{fill:#fff;stroke:#4a5866;stroke-width:1.3}.anchor{fill:#fff7e0;stroke:#8a6700}.route{fill:#e6f2ff;stroke:#0b5cad}"
    ".access{fill:#f6eefb;stroke:#7a2c86}.service{fill:#fff;stroke:#0b5cad}.machine{fill:#eaf6ec;stroke:#22733a}"
    ".failing{fill:#fdeee6;stroke:#b3450a;stroke-width:3}"
    ".added{stroke:#0b5cad;stroke-width:3}.removed{stroke:#b3450a;stroke-width:3;stroke-dasharray:7 4}"
    ".changed{stroke:#7a2c86;stroke-width:3;stroke-dasharray:2 3}"
    "text{font-family:system-ui,'Segoe UI',Helvetica,Arial,sans-serif;fill:#1d252d}"
    f".t{{font-size:{TITLE:g}px;font-weight:600;text-anchor:middle}}.s{{font-size:{LINE:g}px;text-anchor:middle;fill:#3b4650}}"
    f".h{{font-size:{LINE * 1.1:g}px;font-weight:600;fill:#3b4650}}.p{{font-size:{LINE:g}px;fill:#3b4650}}"
    ".head{font-size:18px;font-weight:600}.gone{text-decoration:line-through}"
    ".edge{fill:none;stroke:#46525e;stroke-width:1.6}.dashed{stroke-dasharray:6 4}"
    f".l{{font-size:{LINE:g}px;text-anchor:middle;fill:#123;stroke:#fff;stroke-width:8;stroke-linejoin:round;paint-order:stroke}}"
)
_DASHED = ("signs", "allows", "refused")
_KINDS = (
    ("route", "HTTPRoute with shares"),
    ("access", "access rule"),
    ("service", "Service"),
    ("device", "machine outside"),
)
_PLAIN = {"plane": "", "pods": "", "device": "machine", "container": "machine", "registered": "machine"}


def svg(graph: Graph) -> str:
    """The file's text, the same for the same graph."""
    drawn = layout(graph)
    wide = max(drawn.width + 2 * _MARGIN, 560.0)
    high = drawn.height + _HEADING + _LEGEND + 2 * _MARGIN
    return "".join(f"{line}\n" for line in _document(graph, drawn, wide, high))


def _document(graph: Graph, drawn: Layout, wide: float, high: float) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(wide)}" height="{_n(high)}" '
        f'viewBox="0 0 {_n(wide)} {_n(high)}" role="img" aria-labelledby="title description">'
    )
    yield f'<title id="title">{_xml(graph.title)}</title>'
    yield f'<desc id="description">{_xml(_description(graph))}</desc>'
    yield f"<style>{_STYLE}</style>"
    yield (
        '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
        'orient="auto"><path d="M0 0 L10 5 L0 10 z" fill="#46525e"/></marker></defs>'
    )
    yield f'<rect width="{_n(wide)}" height="{_n(high)}" fill="#fff"/>'
    yield f'<text x="{_n(_MARGIN)}" y="{_n(_MARGIN + 14)}" class="head">{_xml(graph.title)}</text>'
    yield f'<g transform="translate({_n(_MARGIN)} {_n(_MARGIN + _HEADING - 10)})">'
    for place in graph.places:
        yield from _frame(place, drawn.boxes[place.key])
    for edge in graph.edges:
        yield _line(edge, drawn)
    for node in graph.nodes:
        yield from _node(node, drawn.boxes[node.key])
    yield from _labels(graph, drawn)
    yield "</g>"
    yield from _legend(graph, high - _MARGIN)
    yield "</svg>"


def _description(graph: Graph) -> str:
    counted = sum(node.count for node in graph.nodes if node.place.startswith("outside"))
    routes = sum(1 for node in graph.nodes if node.kind == "route")
    told = words(graph)
    more = [f"and {len(told) - _MOST_TOLD} more"] if len(told) > _MOST_TOLD else []
    return "; ".join([f"{counted} workloads outside the cluster, {routes} routes", *told[:_MOST_TOLD], *more])


def _frame(place: Place, box: Box) -> Iterator[str]:
    kind = "inner" if place.parent else "frame"
    yield (
        f'<rect x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}" rx="10" '
        f'class="{kind}{_marked(place)}"/>'
    )
    yield f'<text x="{_n(box.x + 14)}" y="{_n(box.y + 21)}" class="h{_struck(place)}">{_xml(title(place))}</text>'
    for index, line in enumerate(lines(place)):
        yield f'<text x="{_n(box.x + 14)}" y="{_n(box.y + 21 + ROW * (index + 1))}" class="p">{_xml(line)}</text>'


def _node(node: Node, box: Box) -> Iterator[str]:
    failing = " failing" if node.health is Health.FAILING else ""
    classes = f"node {_PLAIN.get(node.kind, node.kind)}".rstrip() + failing + _marked(node)
    yield _form(node.kind, box, classes)
    middle = box.x + box.width / 2
    yield f'<text x="{_n(middle)}" y="{_n(box.y + 22)}" class="t{_struck(node)}">{_xml(title(node))}</text>'
    for index, line in enumerate(lines(node)):
        yield f'<text x="{_n(middle)}" y="{_n(box.y + 22 + ROW * (index + 1))}" class="s">{_xml(line)}</text>'


def _form(kind: str, box: Box, classes: str) -> str:
    """The outline: each kind has its own, so that colours only help."""
    x, y, right, bottom = box.x, box.y, box.x + box.width, box.y + box.height
    half = y + box.height / 2
    if kind == "route":
        points = [(x, half), (x + 12, y), (right - 12, y), (right, half), (right - 12, bottom), (x + 12, bottom)]
    elif kind == "access":
        points = [(x + 12, y), (right - 12, y), (right, bottom), (x, bottom)]
    else:
        round_ = min(box.height / 2, 20) if kind == "service" else 6
        shape = (
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(box.width)}" height="{_n(box.height)}" rx="{_n(round_)}" '
            f'class="{classes}"/>'
        )
        if kind in ("device", "container"):
            shape += f'<path d="M{_n(x + 6)} {_n(y)} V{_n(bottom)} M{_n(right - 6)} {_n(y)} V{_n(bottom)}" class="{classes}"/>'
        return shape
    return f'<polygon points="{" ".join(f"{_n(a)},{_n(b)}" for a, b in points)}" class="{classes}"/>'


def _points(edge: Edge, drawn: Layout) -> tuple[list[tuple[float, float]], bool]:
    """What the arrow leads through, two points a piece with a straight line between pieces; and whether it leads downwards."""
    source, target = drawn.boxes[edge.source], drawn.boxes[edge.target]
    down = target.y >= source.y + source.height
    # Columns are farther apart than that: it is one frame's node above another frame's.
    if edge.kind == "signs" or target.x < source.x + source.width + (_NEAR if down else 0):
        start = source.y + source.height if down else source.y
        end = target.y if down else target.y + target.height
        return [(source.x + source.width / 2, start), (target.x + target.width / 2, end)], True
    points = [(source.x + source.width, source.y + source.height / 2)]
    for span in drawn.passes.get((edge.source, edge.target), ()):
        middle = span.y + span.height / 2
        points += [(span.x, middle), (span.x + span.width, middle)]
    return [*points, (target.x, target.y + target.height / 2)], False


def _line(edge: Edge, drawn: Layout) -> str:
    points, down = _points(edge, drawn)
    path = f"M{_n(points[0][0])} {_n(points[0][1])}"
    for index, ((x1, y1), (x2, y2)) in enumerate(itertools.pairwise(points)):
        if index % 2:
            path += f" L{_n(x2)} {_n(y2)}"
            continue
        half_x, half_y = (0.0, (y2 - y1) / 2) if down else ((x2 - x1) / 2, 0.0)
        path += f" C{_n(x1 + half_x)} {_n(y1 + half_y)} {_n(x2 - half_x)} {_n(y2 - half_y)} {_n(x2)} {_n(y2)}"
    dashed = " dashed" if edge.kind in _DASHED else ""
    return f'<path d="{path}" class="edge{dashed}{_marked(edge)}" marker-end="url(#arrow)"/>'


def _labels(graph: Graph, drawn: Layout) -> Iterator[str]:
    """What arrows say, each where it covers neither a node nor what another one says, if there is such a spot."""
    taken = [drawn.boxes[node.key] for node in graph.nodes]
    for edge in graph.edges:
        text = said(edge)
        if not text:
            continue
        wide = width(text, LINE)
        spots = [Box(x - wide / 2, y - LINE / 2, wide, LINE) for x, y in _spots(*_points(edge, drawn))]
        spot = next((spot for spot in spots if not any(spot.overlaps(other) for other in taken)), spots[0])
        taken.append(spot)
        yield f'<text x="{_n(spot.x + wide / 2)}" y="{_n(spot.y + LINE - 2)}" class="l">{_xml(text)}</text>'


def _spots(points: list[tuple[float, float]], down: bool) -> Iterator[tuple[float, float]]:
    """Points of an arrow, the best for a label first: where it leads straight through a column, else on its last piece."""
    for (x1, y), (x2, _) in list(itertools.pairwise(points))[1::2]:
        yield (x1 + x2) / 2, y
    (x1, y1), (x2, y2) = points[-2:]
    for along in _SPOTS:
        bent = 3 * along**2 - 2 * along**3
        across, ahead = (bent, along) if down else (along, bent)
        yield x1 + (x2 - x1) * across, y1 + (y2 - y1) * ahead


def _legend(graph: Graph, y: float) -> Iterator[str]:
    """Only what is in the picture."""
    x = _MARGIN
    there = {_PLAIN.get(node.kind) or node.kind for node in graph.nodes}
    for kind, text in _KINDS:
        if (_PLAIN.get(kind) or kind) in there:
            yield _form(kind, Box(x, y - 16, 34, 20), f"node {_PLAIN.get(kind, kind)}")
            yield f'<text x="{_n(x + 42)}" y="{_n(y - 2)}" class="p">{text}</text>'
            x += 42 + width(text, LINE) + 26
    kinds = {edge.kind for edge in graph.edges}
    for kinds_, dashed, text in (
        (("calls", "shares"), "", "requests"),
        (("signs", "allows"), " dashed", "may call, signs"),
    ):
        if kinds & {*kinds_}:
            yield f'<path d="M{_n(x)} {_n(y - 6)} H{_n(x + 34)}" class="edge{dashed}" marker-end="url(#arrow)"/>'
            yield f'<text x="{_n(x + 42)}" y="{_n(y - 2)}" class="p">{text}</text>'
            x += 42 + width(text, LINE) + 26


def _marked(item: Place | Node | Edge) -> str:
    return f" {item.mark.value}" if item.mark else ""


def _struck(item: Place | Node | Edge) -> str:
    return " gone" if item.mark is Mark.REMOVED else ""


def _xml(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text), quote=True)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
