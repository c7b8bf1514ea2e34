"""`lab status` as it is typed, and the screen with which an `up` ends."""

import asyncio
from functools import partial
from typing import Annotated

import typer
from rich.console import Console

from lab import documents, paths, twin_lab
from lab.doctor import NoStackFile
from lab.doctor.configuration import read
from lab.screen import Screen as Terminal
from lab.status import report
from lab.status.context import SECONDS
from lab.status.look import look
from lab.status.screen import Screen
from lab.status.watch import watch

_EVERY = 5.0
_console = Terminal()


def show_status(
    stack: Annotated[
        str, typer.Option("--stack", "-s", metavar="STACK", help="stack of this project")
    ] = twin_lab.STACK,
    *,
    watching: Annotated[bool, typer.Option("--watch", help="look again and again, until Ctrl-C")] = False,
    every: Annotated[float, typer.Option(min=1, help="with --watch: from one look to the next, in seconds")] = _EVERY,
    seconds: Annotated[float, typer.Option(min=1, help="time for everything, in seconds")] = SECONDS,
    as_document: Annotated[bool, typer.Option("--json", help="one JSON document, for programs")] = False,
) -> None:
    """Show what is up, and whether it is as the last up left it.

    Cluster, certificates, workloads, routes, access; machines are asked over SSH whether their files, units and images are still
    those that were written. Whoever does not answer in time is said so. Looks, and changes nothing.
    """
    if as_document and watching:
        raise typer.BadParameter("one document, or again and again: not both", param_hint="--json")
    try:
        if watching:
            read(stack, paths.CHECKOUT)  # wrong usage is said before anything is drawn
            asyncio.run(watch(partial(look, stack, seconds=seconds), _console, every))
        screen = ask(stack, seconds)
    except NoStackFile as error:
        raise typer.BadParameter(str(error), param_hint="--stack") from None
    if as_document:
        documents.write(report.as_json(screen) + "\n")
    else:
        report.show(screen, _console)
    raise typer.Exit(screen.exit_status)


def ask(stack: str, seconds: float) -> Screen:
    """One look. Raises NoStackFile."""
    return asyncio.run(look(stack, seconds=seconds))


def show(stack: str, console: Console) -> None:
    """The screen after an `up`, which has just been to the machines: they are not asked again."""
    report.show(asyncio.run(look(stack, ask_machines=False)), console)
