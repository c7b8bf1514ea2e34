"""The project's pages, as GitHub reads them: headings with their anchors, links, blocks of code, words in code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
_NO_ANCHOR = re.compile(r"[^\w\- ]")
# What a checkout holds besides the project.
_OTHERS = (".git", ".lab", ".venv", "node_modules")


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block: its language as written, its text, and the line of the page on which the fence stands."""

    language: str
    text: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Page:
    """What tests ask of one page. `links` are (line, target), pictures too; `code` are (line, text) of words in backquotes.

    `rows` are those of all tables, without heads, each cell as its text without marks.
    """

    anchors: frozenset[str]
    links: tuple[tuple[int, str], ...]
    blocks: tuple[Block, ...]
    code: tuple[tuple[int, str], ...]
    rows: tuple[tuple[str, ...], ...] = field(default=())


def pages(root: Path = ROOT) -> list[Path]:
    """Every page of the project; nothing that was put into the checkout by tools."""
    return sorted(
        file for file in root.rglob("*.md") if not any(part in _OTHERS for part in file.relative_to(root).parts)
    )


@cache
def read(file: Path) -> Page:
    """A page of the project."""
    return parse(file.read_text())


def parse(text: str) -> Page:
    """Markdown with tables, as GitHub has it."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    links: list[tuple[int, str]] = []
    code: list[tuple[int, str]] = []
    blocks: list[Block] = []
    line = 0
    for token in tokens:
        line = token.map[0] + 1 if token.map else line
        if token.type == "fence":
            blocks.append(Block(language=token.info.strip(), text=token.content, line=line))
        for inner in token.children or ():
            if (target := inner.attrGet("href") or inner.attrGet("src")) is not None:
                links.append((line, str(target)))
            if inner.type == "code_inline":
                code.append((line, inner.content))
    return Page(
        anchors=frozenset(_anchors(tokens)),
        links=tuple(links),
        blocks=tuple(blocks),
        code=tuple(code),
        rows=tuple(_rows(tokens)),
    )


def _anchors(tokens: list[Token]) -> Iterator[str]:
    """As GitHub makes them; a heading that comes again gets a number."""
    seen: dict[str, int] = {}
    for token, following in pairwise(tokens):
        if token.type != "heading_open":
            continue
        anchor = _NO_ANCHOR.sub("", _text(following).lower()).replace(" ", "-")
        count = seen.get(anchor, 0)
        seen[anchor] = count + 1
        yield f"{anchor}-{count}" if count else anchor


def _rows(tokens: list[Token]) -> Iterator[tuple[str, ...]]:
    cells: list[str] = []
    for token, following in pairwise(tokens):
        if token.type == "tr_open":
            cells = []
        elif token.type == "td_open":
            cells.append(_text(following))
        elif token.type == "tr_close" and cells:
            yield tuple(cells)


def _text(inline: Token) -> str:
    return "".join(
        inner.content for inner in inline.children or () if inner.type in ("text", "code_inline", "softbreak")
    )
