"""The page that lists every command, made from the commands themselves and from their manual."""

from collections.abc import Iterator

import typer
from typer.core import TyperCommand, TyperGroup

from lab import manual
from lab.explained import paragraphs
from lab.parameters import Parameter, parameters

_HEAD = f"""# Commands

`{manual.LAB} COMMAND`, in the order in which a newcomer needs them; many have a `make` of the same name, which chooses the
stack by `STACK=`. This page is made from the commands by `make fix`, and `--help` of each says the same.

`make` itself ends with 2 whenever a command does not end with 0. What ends with 0 has done what it is for; whatever else a command
ends with is in its table, and one message on standard error says why. Progress is on standard error too, so that standard output
holds nothing but the answer.
"""


def page(application: typer.Typer) -> str:
    """The whole page as Markdown; hidden commands are left out."""
    found = dict(commands(application))
    text, heading = _HEAD, ""
    for words, entry in manual.ENTRIES.items():
        if found[words].hidden:
            continue
        if entry.group != heading:
            heading = entry.group
            text += f"\n## {heading}\n"
        text += _command(words, found[words], entry)
    return text


def commands(application: typer.Typer) -> Iterator[tuple[str, TyperCommand]]:
    """Every command by its words."""
    yield from _commands(typer.main.get_command(application), "")


def _commands(command: object, words: str) -> Iterator[tuple[str, TyperCommand]]:
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            yield from _commands(inner, f"{words} {name}".strip())
    elif isinstance(command, TyperCommand):
        yield words, command


def _command(words: str, command: TyperCommand, entry: manual.Entry) -> str:
    text = f"\n### lab {words}\n\n" + "\n\n".join(paragraphs(command)) + "\n"
    if taken := list(parameters(command)):
        text += "\n| argument or option | what it is | default |\n|---|---|---|\n"
        text += "".join(f"| {' | '.join(_row(parameter))} |\n" for parameter in taken)
    for purpose, line in entry.examples.items():
        text += f"\n{purpose[0].upper()}{purpose[1:]}:\n\n```sh\n{line}\n```\n"
    text += "\n| exit status | when |\n|---|---|\n"
    return text + "".join(f"| {status} | {when} |\n" for status, when in entry.all_statuses.items())


def _row(parameter: Parameter) -> tuple[str, ...]:
    taken = f"{parameter.names} {parameter.value}".strip().replace("|", r"\|")
    return f"`{taken}`", parameter.help, f"`{parameter.default}`" if parameter.default else ""
