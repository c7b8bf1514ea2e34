"""The stack file, read without the engine: secrets stay encrypted, and are not looked at."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from domain.problem import Problem
from lab import paths, stack_file
from lab.doctor.finding import Finding, failed, not_checked, ok
from settings import Settings
from settings.load import NAMESPACE, examine

CHECK = "configuration"
_EXAMPLE = "; it is the example, which the first `make up` copies"
# What no key may hold in its place, so that nobody takes it for a value.
_UNREAD = "(encrypted)"


class NoStackFile(Exception):
    """There is no such stack; the text says which there are."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """`settings` is None when nothing can be made of the file; `unusable` names top-level keys that are not as given.

    `encrypted` names the top-level keys that hold secrets, `example` says that the file is the one to start from, which
    nobody has copied yet. `later` are problems that `make up` mends by itself: it makes the twin's files.
    """

    stack: str
    file: Path
    settings: Settings | None = None
    problems: tuple[Problem, ...] = ()
    later: tuple[Problem, ...] = ()
    unusable: frozenset[str] = frozenset()
    encrypted: frozenset[str] = frozenset()
    example: bool = False


def read(stack: str, project: Path, *, makes: Path | None = None) -> Configuration:
    """What a stack file says. `makes`: the directory that `make up` will fill. Raises NoStackFile."""
    file = project / "stacks" / f"Pulumi.{stack}.yaml"
    example = not file.exists()
    if example:
        file = project / "stacks" / "examples" / file.name
    if not file.is_file():
        raise NoStackFile(stack_file.unknown(stack, project))
    try:
        text = file.read_text()
    except UnicodeDecodeError as error:
        return Configuration(stack=stack, file=file, problems=(_unreadable(file, error),), example=example)
    return replace(parse(text, stack, file, project, makes=makes), example=example)


def parse(text: str, stack: str, file: Path, project: Path, *, makes: Path | None = None) -> Configuration:
    """As `read`, for the text of a stack file that may lie elsewhere; `file` is its name in messages."""
    try:
        given = _config(yaml.safe_load(text))
    except (yaml.YAMLError, ValueError) as error:
        return Configuration(stack=stack, file=file, problems=(_unreadable(file, error),))
    encrypted = frozenset(key for key, value in given.items() if _holds_secret(value))
    raw = {key: _stored(_without_secrets(value)) for key, value in given.items()}
    found = examine(raw, encrypted, project=project, stack=stack)
    problems = [problem for problem in found.problems if problem.key not in encrypted]
    later = [problem for problem in problems if makes is not None and _names(problem, makes, project)]
    return Configuration(
        stack=stack,
        file=file,
        settings=found.settings,
        problems=tuple(problem for problem in problems if problem not in later),
        later=tuple(later),
        unusable=frozenset(found.unusable),
        encrypted=encrypted,
    )


async def check(configuration: Configuration) -> AsyncIterator[Finding]:
    """Every mistake of the file, each with what to do."""
    name = f"{'examples/' if configuration.example else ''}{configuration.file.name}"
    for problem in sorted(configuration.problems, key=lambda problem: problem.key):
        cause = f"{problem.found}; expected {problem.expected}"
        yield failed(CHECK, problem.key, cause, problem.fix)
    if configuration.later:
        keys = ", ".join(sorted({problem.key for problem in configuration.later}))
        yield not_checked(CHECK, name, f"what `make up` makes is not there yet: {keys}", "make up")
    for key in sorted(configuration.encrypted):
        yield not_checked(CHECK, key, "it is encrypted, and secrets are not read", "make preview")
    for key in sorted(configuration.unusable & {"cluster", "workloads", "ssh", "edge", "trust"}):
        yield not_checked(CHECK, key, "what depends on it, because of the mistakes in it")
    if not configuration.problems:
        yield ok(CHECK, name, f"every key that can be read fits{_EXAMPLE if configuration.example else ''}")


def _config(document: Any) -> dict[str, Any]:
    config = document.get("config") if isinstance(document, dict) else None
    if config is None:
        config = {}
    if not isinstance(config, dict):
        raise ValueError("`config` holds no keys")  # noqa: TRY004 - a mistake in a file, not in a call
    prefix = f"{NAMESPACE}:"
    return {str(key).removeprefix(prefix): value for key, value in config.items() if str(key).startswith(prefix)}


def _stored(value: Any) -> str:
    """As the engine hands it over: text, or JSON for anything else."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"}


def _holds_secret(value: Any) -> bool:
    if _is_secret(value):
        return True
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_holds_secret(item) for item in inner)


def _without_secrets(value: Any) -> Any:
    if _is_secret(value):
        return _UNREAD
    if isinstance(value, dict):
        return {str(name): _without_secrets(item) for name, item in value.items()}
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value


def _names(problem: Problem, directory: Path, project: Path) -> bool:
    """Whether a file below the directory is what the problem misses."""
    shown = directory.relative_to(project) if directory.is_relative_to(project) else directory
    return f"{shown}/" in problem.found


def _unreadable(file: Path, error: Exception) -> Problem:
    return Problem(
        f"stacks/{file.name}",
        f"no YAML can be made of it: {error}",
        "a stack file",
        f"correct it: {paths.CHECKOUT / file}",
    )
