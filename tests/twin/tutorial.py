"""The tutorial as data: what each step writes into the stack file, what it types, and what it says comes out."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
_STEP = re.compile(r"^## (\d+\. .+)$", re.MULTILINE)
_BLOCK = re.compile(r"^```(yaml|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"^\s+\S (passed|FAILED|not provable here)\s+(.+?)\s{2,}(.+)$")


@dataclass(frozen=True, kw_only=True)
class Said:
    """One line of `make verify` as the page shows it."""

    verdict: str
    subject: str
    found: str


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command, and the lines that the page shows below it."""

    words: tuple[str, ...]
    lines: tuple[Said, ...]


@dataclass(frozen=True, kw_only=True)
class Step:
    """`keys` replace those of the stack file, without the prefix of the project."""

    title: str
    keys: dict[str, Any] = field(default_factory=dict)
    commands: tuple[Command, ...] = ()


def steps(page: str) -> list[Step]:
    """The numbered sections of the page, in order. Addresses are those of an example that nobody had to move."""
    parts = _STEP.split(page)[1:]
    return [_step(title, text) for title, text in zip(parts[::2], parts[1::2], strict=True)]


def _step(title: str, text: str) -> Step:
    keys: dict[str, Any] = {}
    commands: list[Command] = []
    for kind, block in _BLOCK.findall(text):
        if kind == "yaml":
            keys.update(yaml.safe_load(block))
        else:
            commands += _commands(block)
    return Step(title=title, keys=keys, commands=tuple(commands))


def _commands(block: str) -> list[Command]:
    found = []
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *output = part.splitlines()
        lines = [Said(verdict=hit[1], subject=hit[2], found=hit[3]) for line in output if (hit := _LINE.match(line))]
        found.append(Command(words=tuple(command.split()), lines=tuple(lines)))
    return found


def masked(text: str) -> str:
    """Without what differs from one run, or one machine, to the next: numbers, addresses, generated names."""
    return re.sub(r"\d+", "N", re.sub(r"(linkerd-external-\w+)-\w+", r"\1-NAME", text))
