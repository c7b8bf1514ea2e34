"""A graph as a Mermaid flowchart, as GitHub shows it in READMEs and pull requests."""

import re
import unicodedata
from collections.abc import Iterator

from lab.picture.difference import heading, said
from lab.picture.graph import Edge, Graph, Health, Mark, Node, Place

LONGEST = 50_000  # characters, and
MOST_EDGES = 500  # edges: more GitHub does not draw

# By kind, what stands around a node's text: the form says what it is without its colour.
_FORMS = {
    "anchor": ("[(", ")]"),
    "plane": ("[", "]"),
    "pods": ("[", "]"),
    "route": ("{{", "}}"),
    "access": ("[/", "\\]"),
    "service": ("([", "])"),
    "device": ("[[", "]]"),
    "container": ("[[", "]]"),
    "registered": ("[", "]"),
}
_ARROWS = {"signs": "-.->", "calls": "-->", "refused": "--x", "shares": "-->", "reaches": "-->", "allows": "-.->"}
_CLASSES = {
    Mark.ADDED: ("added", "stroke:#0b5cad,stroke-width:3px"),
    Mark.REMOVED: ("removed", "stroke:#b3450a,stroke-width:3px,stroke-dasharray:6 4"),
    Mark.CHANGED: ("changed", "stroke:#7a2c86,stroke-width:3px,stroke-dasharray:2 3"),
}
_NOTES = ("note", "fill:none,stroke:none")
_FAILING = ("failing", "stroke:#b3450a,stroke-width:3px")
# Quotes end a text, `#` and `&` begin a character's number, backticks Markdown, `%%` a comment; the others are HTML or shapes.
_SPECIAL = re.compile(r"[\"#&<>`\\{}\[\]|]|%(?=[%{])|(?<=[%}])%")


def mermaid(graph: Graph) -> str:
    """The flowchart's text, the same for the same graph. Raises ValueError where GitHub would not draw it."""
    identifiers = _identifiers(graph)
    lines = ["flowchart LR", f"  accTitle: {_plain(graph.title)}"]
    for place in graph.below(""):
        lines += [f"  {line}" for line in _frame(graph, place, identifiers)]
    lines += [f"  {_arrow(edge, identifiers)}" for edge in graph.edges]
    lines += [f"  {line}" for line in _classes(graph, identifiers)]
    text = "\n".join(lines) + "\n"
    if len(text) > LONGEST or len(graph.edges) > MOST_EDGES:
        raise ValueError(
            f"the picture has {len(graph.edges)} arrows and {len(text)} characters, and Mermaid draws {MOST_EDGES} and "
            f"{LONGEST} at most: use --format svg"
        )
    return text


def escaped(text: str) -> str:
    """Text that is shown as it stands, whatever characters are in it."""
    safe = "".join(" " if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") else letter for letter in text)
    return _SPECIAL.sub(lambda found: f"#{ord(found[0])};", safe)


def _plain(text: str) -> str:
    """A title, which ends with its line and takes no numbers of characters."""
    return re.sub(r"[^\w .,:()/→-]", "", escaped(text)) or "lab"


def _frame(graph: Graph, place: Place, identifiers: dict[str, str]) -> Iterator[str]:
    yield f'subgraph {identifiers[place.key]}["{_text([heading(place.mark), place.title])}"]'
    if place.lines:
        # A title of several lines would be drawn over what is in the frame.
        yield f'  {_note(place, identifiers)}["{_text([*place.lines])}"]'
    for node in graph.inside(place.key):
        yield f"  {_node(node, identifiers)}"
    for inner in graph.below(place.key):
        for line in _frame(graph, inner, identifiers):
            yield f"  {line}"
    yield "end"


def _note(place: Place, identifiers: dict[str, str]) -> str:
    return f"of_{identifiers[place.key]}"


def _node(node: Node, identifiers: dict[str, str]) -> str:
    opening, closing = _FORMS[node.kind]
    return (
        f'{identifiers[node.key]}{opening}"{_text([heading(node.mark), node.title, *node.lines, *node.own])}"{closing}'
    )


def _arrow(edge: Edge, identifiers: dict[str, str]) -> str:
    label = f'|"{escaped(said(edge))}"|' if said(edge) else ""
    return f"{identifiers[edge.source]} {_ARROWS[edge.kind]}{label} {identifiers[edge.target]}"


def _text(parts: list[str]) -> str:
    return "<br/>".join(escaped(part) for part in parts if part)


def _classes(graph: Graph, identifiers: dict[str, str]) -> Iterator[str]:
    groups = [(*_CLASSES[mark], _marked(graph, mark, identifiers)) for mark in _CLASSES]
    notes = [_note(place, identifiers) for place in graph.places if place.lines]
    failing = [identifiers[node.key] for node in graph.nodes if node.health is Health.FAILING]
    for name, style, members in [*groups, (*_FAILING, failing), (*_NOTES, notes)]:
        if members:
            yield f"classDef {name} {style}"
            yield f"class {','.join(members)} {name}"
    for mark, (_, style) in _CLASSES.items():
        numbers = [str(index) for index, edge in enumerate(graph.edges) if edge.mark is mark]
        if numbers:
            yield f"linkStyle {','.join(numbers)} {style}"


def _marked(graph: Graph, mark: Mark, identifiers: dict[str, str]) -> list[str]:
    return [identifiers[item.key] for item in graph.framed if item.mark is mark]


def _identifiers(graph: Graph) -> dict[str, str]:
    """Words that are no keyword of Mermaid's, from the keys, so that a change of the lab is a small change of the text."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for item in graph.framed:
        word = base = re.sub(r"[^A-Za-z0-9]+", "_", f"{'at' if isinstance(item, Place) else 'the'}/{item.key}")
        number = 2
        while word in taken:
            word, number = f"{base}_{number}", number + 1
        taken.add(word)
        found[item.key] = word
    return found
