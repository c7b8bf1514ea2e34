"""Pictures as text: well-formed whatever names are in them, nothing on top of anything else, and what is typed for them."""

import re
import subprocess
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from lab.cli import application
from lab.picture import sources
from lab.picture.graph import Edge, Graph, Mark, Node, NodeKind, Place
from lab.picture.grouping import grouped
from lab.picture.layout import layout
from lab.picture.mermaid import escaped, mermaid
from lab.picture.svg import svg
from tests.unit.test_picture_graph import graph_of

ROOT = Path(__file__).parents[2]
# What ends a text, begins a comment or markup, or is no character of XML; and everything else.
_NAMES = st.text(
    st.one_of(st.sampled_from("\"'`#;&<>[](){}|\\/%-=.:\n\r\t\0\ud800\ufffe\u202e end"), st.characters()), max_size=30
)
_TEXT = r'"[^"#&<>`\\{}\[\]|\n]*(?:#[0-9]+;[^"#&<>`\\{}\[\]|\n]*)*"'


@st.composite
def _graphs(draw: st.DrawFn) -> Graph:
    names = draw(st.lists(_NAMES, min_size=3, max_size=6))
    kinds: st.SearchStrategy[NodeKind] = st.sampled_from(["pods", "route", "access", "service"])
    nodes = [
        Node(
            key=f"node/{index}/{name}",
            kind=draw(kinds),
            place="space",
            title=name,
            lines=(draw(_NAMES),),
            mark=draw(st.sampled_from(Mark)),
        )
        for index, name in enumerate(names)
    ]
    machine = Node(key="machine", kind="device", place="outside/device", title=draw(_NAMES), own=(draw(_NAMES),))
    pairs = draw(st.lists(st.tuples(st.sampled_from(nodes), st.sampled_from([*nodes, machine])), max_size=8))
    edges = {
        (first.key, second.key): Edge(source=first.key, target=second.key, kind="calls", label=draw(_NAMES))
        for first, second in pairs
        if first is not second
    }
    return Graph(
        title=draw(_NAMES),
        places=(
            Place(key="trust", title="trust"),
            Place(key="cluster", title=draw(_NAMES)),
            Place(key="space", title=draw(_NAMES), lines=(draw(_NAMES),), parent="cluster"),
            Place(key="outside", title="outside"),
            Place(key="outside/device", title=draw(_NAMES), parent="outside"),
        ),
        nodes=(*nodes, machine),
        edges=tuple(edges.values()),
    )


@hypothesis_settings(max_examples=80, deadline=None)
@given(_graphs())
def test_an_svg_is_well_formed_whatever_names_are_in_it(graph: Graph) -> None:
    root = ElementTree.fromstring(svg(graph).encode())  # noqa: S314 - written a moment ago
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert not root.findall(".//{http://www.w3.org/2000/svg}script")


@hypothesis_settings(max_examples=80, deadline=None)
@given(_graphs())
def test_no_two_nodes_of_any_graph_lie_on_each_other(graph: Graph) -> None:
    drawn = layout(graph)
    for first, second in combinations(graph.nodes, 2):
        assert not drawn.boxes[first.key].overlaps(drawn.boxes[second.key])


@hypothesis_settings(max_examples=80, deadline=None)
@given(_graphs())
def test_every_line_of_a_flowchart_is_of_a_form_that_mermaid_knows(graph: Graph) -> None:
    word = r"[A-Za-z][A-Za-z0-9_]*"
    form = re.compile(
        rf"flowchart LR|  accTitle: [^#;{{}}\"`]+|\s+end|\s+subgraph {word}\[{_TEXT}\]"
        rf"|\s+{word}(\[\(|\[\[|\[/|\(\[|\{{\{{|\[){_TEXT}(\)\]|\]\]|\\\]|\]\)|\}}\}}|\])"
        rf"|\s+{word} (-->|-\.->|--x)(\|{_TEXT}\|)? {word}"
        rf"|\s+classDef {word} [a-z0-9#:,\- ]+|\s+class {word}(,{word})* {word}|\s+linkStyle [0-9,]+ [a-z0-9#:,\- ]+"
    )
    # Nothing but this program's own line breaks may be one, whoever splits the text.
    for line in mermaid(graph).splitlines():
        assert form.fullmatch(line.replace("<br/>", "")), line


@hypothesis_settings(max_examples=200, deadline=None)
@given(_NAMES)
def test_an_escaped_text_shows_what_it_was_and_holds_nothing_that_ends_it(text: str) -> None:
    safe = escaped(text)
    assert not set('"&<>`\\{}[]|\n') & set(safe)
    assert "%%" not in safe
    shown = re.sub(r"#([0-9]+);", lambda found: chr(int(found[1])), safe)
    assert [(a, b) for a, b in zip(shown, text, strict=True) if a not in (b, " ")] == []


@pytest.mark.parametrize("name", ["twin", "k3d-lab", "pi-lab", "dual-stack"])
def test_no_two_nodes_of_an_example_lie_on_each_other_and_each_lies_in_its_frame(tmp_path: Path, name: str) -> None:
    graph = grouped(graph_of(tmp_path, name, name, emojivoto={}, emissary={}))
    drawn = layout(graph)
    for first, second in combinations(graph.nodes, 2):
        assert not drawn.boxes[first.key].overlaps(drawn.boxes[second.key]), (first.title, second.title)
    for node in graph.nodes:
        inner, outer = drawn.boxes[node.key], drawn.boxes[node.place]
        assert outer.x <= inner.x and inner.x + inner.width <= outer.x + outer.width, node.title
        assert outer.y <= inner.y and inner.y + inner.height <= outer.y + outer.height, node.title
    assert max(box.x + box.width for box in drawn.boxes.values()) <= drawn.width
    assert max(box.y + box.height for box in drawn.boxes.values()) <= drawn.height


def test_a_flowchart_that_github_would_not_draw_is_an_error_that_names_the_other_format() -> None:
    nodes = [Node(key=str(index), kind="pods", place="", title=str(index)) for index in range(24)]
    edges = [Edge(source=a.key, target=b.key, kind="calls") for a in nodes for b in nodes if a is not b]
    mermaid(Graph(title="few", places=(), nodes=tuple(nodes), edges=tuple(edges[:500])))
    with pytest.raises(ValueError, match="--format svg"):
        mermaid(Graph(title="many", places=(), nodes=tuple(nodes), edges=tuple(edges[:501])))
    long = Node(key="long", kind="pods", place="p", title="x" * 50_000)
    with pytest.raises(ValueError, match="--format svg"):
        mermaid(Graph(title="long", places=(Place(key="p", title="p"),), nodes=(long,), edges=()))


def test_the_picture_in_the_documents_is_the_example_as_it_is_now() -> None:
    """`make fix` draws it again."""
    example = ROOT / "stacks" / "examples" / "Pulumi.twin.yaml"
    drawn = svg(grouped(sources.of_file(str(example))))
    assert (ROOT / "docs" / "lab.svg").read_text() == drawn


def _run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(application, ["picture", *arguments])
    return result.exit_code, result.output


def test_the_ending_of_the_file_says_which_format_is_meant(tmp_path: Path) -> None:
    example = str(ROOT / "stacks" / "examples" / "Pulumi.twin.yaml")
    status, _ = _run("--file", example, "--output", str(tmp_path / "lab.svg"))
    assert status == 0
    assert (tmp_path / "lab.svg").read_text().startswith("<svg ")
    status, text = _run("--file", example)
    assert status == 0
    assert text.startswith("flowchart LR\n")


def test_a_stack_file_as_it_was_in_a_revision_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*arguments: str) -> None:
        who = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *arguments], check=True, capture_output=True)

    text = (ROOT / "stacks" / "examples" / "Pulumi.twin.yaml").read_text()
    file = tmp_path / "Pulumi.twin.yaml"
    file.write_text(text)
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "first")
    file.write_text(text.replace("smiley: 80", "smiley: 60").replace("smiley2: 20", "smiley2: 40"))
    monkeypatch.setattr("lab.paths.CHECKOUT", tmp_path)
    status, drawn = _run("--diff", "HEAD:Pulumi.twin.yaml", str(file))
    assert status == 0, drawn
    assert "80 % → 60 %" in drawn


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--stack", "nobody"], 2, "no stack 'nobody'"),
        (["--format", "png"], 2, "png"),
        (["--diff", "a", "b", "--state"], 2, "one of them says what is drawn"),
        (["--export", "x.json"], 2, "--state"),
        (["--diff", "not-there.yaml", "not-there.yaml"], 1, "there is no such file"),
        (["--diff", "nowhere:Pulumi.twin.yaml", "x"], 1, "git does not have it"),
        (["--state", "--export", "not-there.json"], 1, "not-there.json"),
    ],
)
def test_exit_statuses_tell_wrong_usage_from_what_cannot_be_drawn(
    arguments: list[str], status: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    found, text = _run(*arguments)
    assert found == status, text
    assert said in text
