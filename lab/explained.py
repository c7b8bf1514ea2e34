"""Commands that explain themselves: `--help` in plain aligned text, which fits any width and can be copied from."""

import inspect
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

import typer
from rich.text import Text
from typer.core import TyperCommand, TyperGroup

from lab import manual
from lab.ending import ending
from lab.parameters import Parameter, parameters
from lab.screen import Screen

_WIDEST, _NARROWEST = 100, 24
_TOGETHER = "\u00a0"  # a space at which no line is broken
_MANY_COLUMNS = 26  # what the left column may take


class Explained(TyperCommand):
    """One command: what it does, what it takes, examples, exit statuses; and it ends with those."""

    def invoke(self, ctx: Any) -> Any:
        """Run it."""
        with ending(words_of(ctx)):
            return super().invoke(ctx)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print it."""
        del formatter
        words = words_of(ctx)
        entry = manual.ENTRIES.get(words)
        page = _Page()
        page.paragraph(f"Usage: {ctx.command_path} {' '.join(self.collect_usage_pieces(ctx))}", hang=7)
        for paragraph in paragraphs(self):
            page.paragraph(paragraph)
        taken = list(parameters(self))
        page.table("Arguments", [_row(item) for item in taken if item.argument])
        page.table("Options", [*(_row(item) for item in taken if not item.argument), ("--help", "this page")])
        if entry:
            page.examples(entry.examples)
            page.table("Exit statuses", [(f"{status:3}", text) for status, text in entry.all_statuses.items()])
        page.show()


class ExplainedGroup(TyperGroup):
    """Commands below headings, in the order of the manual."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, those that the manual does not have last."""
        known = [words.split()[0] for words in manual.ENTRIES] if not words_of(ctx) else []
        names = super().list_commands(ctx)
        return sorted(names, key=lambda name: known.index(name) if name in known else len(known))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print it."""
        del formatter
        page = _Page()
        page.paragraph(f"Usage: {ctx.command_path} COMMAND [OPTIONS]", hang=7)
        for paragraph in paragraphs(self):
            page.paragraph(paragraph)
        listed: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is None or command.hidden:
                continue
            listed.setdefault(_heading(f"{words_of(ctx)} {name}".strip()), []).append((name, paragraphs(command)[0]))
        width = max(len(name) for rows in listed.values() for name, _ in rows)
        for heading, rows in listed.items():
            page.table(heading, rows, width)
        page.paragraph(f"What one takes, and its exit statuses: {ctx.command_path} COMMAND --help")
        page.show()


def words_of(ctx: Any) -> str:
    """The words by which a command is called, without the program's own name."""
    words: list[str] = []
    while ctx.parent is not None:
        words.insert(0, str(ctx.info_name))
        ctx = ctx.parent
    return " ".join(words)


def paragraphs(command: Any) -> list[str]:
    """What a command says of itself, each paragraph one line."""
    text = inspect.cleandoc(command.help or "")
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]


def _heading(words: str) -> str:
    """The group of commands that a command stands in; a group of its own stands where its first command does."""
    if " " in words:
        return "Commands"
    entry = next((entry for name, entry in manual.ENTRIES.items() if name.split()[0] == words), None)
    return entry.group if entry else "Commands"


def _row(parameter: Parameter) -> tuple[str, str]:
    default = f" [default:{_TOGETHER}{parameter.default}]" if parameter.default else ""
    return f"{parameter.names} {parameter.value}".strip(), f"{parameter.help}{default}"


class _Page:
    """Text that is laid out for the width of the terminal, and headings in bold where it has that."""

    def __init__(self) -> None:
        self._console = Screen()
        self._width = min(self._console.width, _WIDEST)
        self._lines: list[Text] = []

    def paragraph(self, text: str, *, hang: int = 0) -> None:
        self._lines += [*(Text(line) for line in self._wrapped(text, "", " " * hang)), Text()]

    def table(self, heading: str, rows: Iterable[tuple[str, str]], least: int = 0) -> None:
        """Two columns; the right one below the left where there is no room beside it."""
        rows = list(rows)
        if not rows:
            return
        self._heading(heading)
        fitting = [len(left) for left, _ in rows if len(left) <= _MANY_COLUMNS]
        column = max([least, *fitting]) + 4
        beside = self._width - column >= _NARROWEST
        for left, right in rows:
            if beside and len(left) <= column - 4:
                begin, indent = f"  {left:<{column - 2}}", " " * column
            else:
                self._lines.append(Text(f"  {left}"))
                begin = indent = " " * (column if beside else 6)
            self._lines += [Text(line) for line in self._wrapped(right, begin, indent)]
        self._lines.append(Text())

    def examples(self, examples: Any) -> None:
        """What each is for, and the line to type, which is never broken: it is copied."""
        if not examples:
            return
        self._heading("Examples")
        for purpose, line in examples.items():
            self._lines += [Text(part) for part in self._wrapped(purpose, "  ", "  ")]
            self._lines += [Text(f"    {part}") for part in line.splitlines()]
        self._lines.append(Text())

    def show(self) -> None:
        self._console.print(Text("\n").join(self._lines[:-1]))

    def _heading(self, text: str) -> None:
        self._lines.append(Text(f"{text}:", style="bold"))

    def _wrapped(self, text: str, begin: str, indent: str) -> Iterator[str]:
        lines = textwrap.wrap(
            text,
            max(self._width, len(indent) + _NARROWEST // 2),
            initial_indent=begin,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        yield from (line.replace(_TOGETHER, " ") for line in lines)


def explain(application: typer.Typer) -> None:
    """Have every command of an application explain itself so."""
    application.info.cls = ExplainedGroup
    for command in application.registered_commands:
        command.cls = Explained
    for group in application.registered_groups:
        group.cls = ExplainedGroup
        if group.typer_instance:
            explain(group.typer_instance)
