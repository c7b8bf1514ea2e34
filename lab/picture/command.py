"""`lab picture`: what is typed, and what comes out of it."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lab import documents, engine, paths, twin_lab
from lab.doctor.configuration import NoStackFile
from lab.picture import health, sources
from lab.picture.build import build
from lab.picture.difference import compare
from lab.picture.from_state import StateError, from_state
from lab.picture.graph import Graph
from lab.picture.grouping import grouped
from lab.picture.mermaid import mermaid
from lab.picture.svg import svg


class Format(StrEnum):
    """What a picture is written as."""

    MERMAID = "mermaid"
    SVG = "svg"


Stack = Annotated[str, typer.Option("--stack", "-s", metavar="STACK", help="stack of this project")]


def draw(
    stack: Stack = twin_lab.STACK,
    *,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format", metavar="mermaid|svg", help="without it svg where the name of --output ends so, else mermaid"
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="file to write instead of the terminal")] = None,
    file: Annotated[
        str | None,
        typer.Option(
            "--file", metavar="FILE", help="a stack file instead of that of a stack: a path, or REVISION:PATH of git"
        ),
    ] = None,
    diff: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--diff",
            metavar="BEFORE AFTER",
            help="two stack files, each as for --file: what was added, removed, changed",
        ),
    ] = None,
    state: Annotated[bool, typer.Option("--state", help="what is recorded after `up`, with health")] = False,
    export: Annotated[
        Path | None, typer.Option("--export", help="with --state: a file of `pulumi stack export` instead of asking")
    ] = None,
) -> None:
    """Draw the lab: machines, routes, access, identities.

    From the stack file, before anything is there; the same file gives the same bytes. With --diff what a change adds, removes and
    changes, with --state what is recorded after an up, with health.
    """
    if [bool(file), bool(diff), state].count(True) > 1:
        raise typer.BadParameter("one of them says what is drawn", param_hint="--file, --diff, --state")
    if export and not state:
        raise typer.BadParameter("it is for --state", param_hint="--export")
    chosen = form or (Format.SVG if output and output.suffix == ".svg" else Format.MERMAID)
    try:
        graph = grouped(_graph(stack, file, diff, export, state=state))
        text = svg(graph) if chosen is Format.SVG else mermaid(graph)
    except NoStackFile as error:
        raise typer.BadParameter(str(error), param_hint="--stack") from None
    except (sources.SourceError, StateError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    if output is None:
        documents.write(text)
    else:
        output.write_text(text, encoding="utf-8")


def _graph(stack: str, file: str | None, diff: tuple[str, str] | None, export: Path | None, *, state: bool) -> Graph:
    if file:
        return sources.of_file(file)
    if diff:
        before, after = diff
        return compare(sources.of_file(before), sources.of_file(after))
    if not state:
        return sources.of_stack(stack)
    text = export.read_text() if export else engine.export(stack)
    try:
        document = json.loads(text)
    except ValueError:
        raise StateError("this is not what `pulumi stack export` writes: it is no JSON") from None
    live = None if export else health.live(stack, paths.CHECKOUT)
    if live is None and not export:
        typer.echo("the cluster was not asked: health is what the last update or refresh saw", err=True)
    return build(from_state(document if isinstance(document, dict) else {}, stack, live))
