"""Commands that the pages show, taken apart, and held against what there is: Makefile, `lab`, `pulumi`, files of the project."""

import io
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from typing import Any

import typer

from lab.cli import application
from lab.verify.registry import ROWS
from tests.unit.markdown import ROOT

# What the pages type of Pulumi's; tests/plugins/test_docs_pulumi.py asks the engine itself about it.
PULUMI: dict[str, set[str]] = {
    "": {"-v", "--logtostderr"},
    "about": set(),
    "cancel": {"-s"},
    "config set": {"-s", "--secret", "--path"},
    "destroy": set(),
    "import": set(),
    "logs": set(),
    "new": set(),
    "package add": set(),
    "package get-schema": set(),
    "plugin install": {"--file"},
    "policy": set(),
    "preview": {"-s", "--stack", "--json", "--policy-pack"},
    "refresh": {"--clear-pending-creates"},
    "stack export": {"-s"},
    "stack init": set(),
    "stack output": {"-s", "--show-secrets"},
    "up": {"-s", "--stack", "--refresh", "--policy-pack"},
}
# Programs that are neither this project's nor Pulumi's: that they are called so is all that is known here.
OTHERS = re.compile(
    r"apt-get|curl|date|dmesg|docker|echo|eval|file|getent|git|grep|helm|hostname|ip|journalctl|k3d|kill|kind|kubectl|ln|ls|"
    r"mkdir|ping|podman|reboot|resolvectl|sh|sha256sum|ss|ssh|ssh-add|ssh-agent|ssh-copy-id|ssh-keygen|ssh-keyscan|systemctl|"
    r"tar|tee|timedatectl|true|umask|userdel|usermod"
)
_OPERATORS = {"&&", "||", "|", ";", "&"}
_PLACEHOLDER = re.compile(r"<[a-z][^<>]*>")
_INNER = re.compile(r"\$\(([^()]*)\)")
_ROOMS = (
    "assets",
    "bench",
    "changelog.d",
    "components",
    "docs",
    "domain",
    "lab",
    "package",
    "policy",
    "settings",
    "stacks",
    "tests",
)
_MAKE = (ROOT / "Makefile").read_text()


def typed(block: str, language: str) -> str:
    """The commands of a block: all of `sh`, of `console` what stands behind the prompt."""
    if language != "console":
        return block
    return "".join(f"{line[2:]}\n" for line in block.splitlines() if line.startswith("$ "))


def commands(text: str) -> Iterator[list[str]]:
    """The words of each simple command, without assignments, redirections and sudo; also of those inside `$(...)`."""
    text = _PLACEHOLDER.sub("PLACEHOLDER", text.replace("\\\n", " "))
    for line in text.splitlines():
        for inner in _INNER.findall(line):
            yield from commands(inner)
        lexer = shlex.shlex(_INNER.sub("OUTPUT", line), posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        lexer.commenters = "#"
        words: list[str] = []
        for word in [*lexer, ";"]:
            if word not in _OPERATORS:
                words.append(word)
                continue
            if simple := _simple(words):
                yield simple
            words = []


def _simple(words: Sequence[str]) -> list[str]:
    kept: list[str] = []
    target = False
    for word in words:
        if re.fullmatch(r"[<>&]+", word):
            target = True
        elif not target:
            kept.append(word)
        else:
            target = False
    while kept and (re.match(r"[A-Z][A-Z0-9_]*=", kept[0]) or kept[0] == "sudo"):
        kept.pop(0)
    return kept


def wrong(words: Sequence[str]) -> list[str]:
    """What is wrong with one command: a target, subcommand, option, program or file that there is not."""
    program, *arguments = words
    said = " ".join(words)
    found = [f"{said}: {word} is not in the project" for word in arguments if not _is_there(word)]
    if program == "make":
        return found + [f"{said}: {text}" for text in _wrong_make(arguments)]
    if program in (".venv/bin/python", "python", "lab"):
        if program != "lab":
            if arguments[:2] != ["-m", "lab"]:
                return [f"{said}: expected -m lab"]
            arguments = arguments[2:]
        return found + [f"{said}: {text}" for text in _wrong_lab(arguments)]
    if program == "pulumi":
        return found + [f"{said}: {text}" for text in _wrong_pulumi(arguments)]
    if program.startswith((".", "/")):
        return found if program.startswith("/opt/") or (ROOT / program).exists() else [f"{said}: no {program}"]
    return (
        found
        if OTHERS.fullmatch(program)
        else [*found, f"{said}: no program {program} is known to the tests of the pages"]
    )


def _is_there(word: str) -> bool:
    """Whether a word that looks like a file of the project is one. A stack's file is a copy of its example."""
    word = word.rpartition(":")[2].strip("'\"")
    if word.split("/")[0] not in _ROOMS or "/" not in word or "PLACEHOLDER" in word:
        return True
    own = re.fullmatch(r"stacks/(Pulumi\.[a-z0-9-]+\.yaml)", word)
    return (ROOT / "stacks" / "examples" / own[1]).exists() if own else bool(list(ROOT.glob(word.rstrip("/"))))


def _wrong_make(arguments: Sequence[str]) -> Iterator[str]:
    targets = set(re.findall(r"^([a-z]+):", _MAKE, re.MULTILINE))
    stacks = {file.name.split(".")[1] for file in (ROOT / "stacks" / "examples").glob("Pulumi.*.yaml")}
    rows = {name for row in ROWS for name in (row.id, row.id.split(".")[0])}
    for argument in arguments:
        name, is_set, value = argument.partition("=")
        if is_set and f"$({name})" not in _MAKE:
            yield f"the Makefile knows no {name}"
        elif is_set and name in ("STACK", "ROW") and value not in {"STACK": stacks, "ROW": rows}[name]:
            yield f"there is no {name} {value}"
        elif not is_set and not argument.startswith("-") and argument not in targets:
            yield f"the Makefile has no target {argument}"


@cache
def _lab() -> typer.core.TyperGroup:
    """`lab` with nothing behind its commands."""
    group = typer.main.get_command(application)
    assert isinstance(group, typer.core.TyperGroup)
    todo: list[Any] = [group]
    while todo:
        command = todo.pop()
        command.callback = None
        todo += getattr(command, "commands", {}).values()
    return group


def _wrong_lab(arguments: Sequence[str]) -> Iterator[str]:
    if not arguments or arguments[0] == "COMMAND":
        return
    said = io.StringIO()
    with redirect_stderr(said), redirect_stdout(io.StringIO()):
        try:
            _lab().main([*arguments], prog_name="lab")
        except SystemExit as end:
            if end.code:
                yield " ".join(said.getvalue().split())


def _wrong_pulumi(arguments: Sequence[str]) -> Iterator[str]:
    plain = [word for word in arguments if not word.startswith("-")]
    two, one = " ".join(plain[:2]), " ".join(plain[:1])
    name = two if two in PULUMI else one
    if name not in PULUMI:
        yield f"pulumi {one} is not among what tests/unit/docs_shell.py asks the engine about"
        return
    for word in arguments:
        option = word.split("=")[0]
        if option.startswith("-") and option not in PULUMI[name] | PULUMI[""]:
            yield f"pulumi {name} {option} is not among what tests/unit/docs_shell.py asks the engine about"
