"""What must be encrypted, and what must not be written down at all. Values are never part of a message."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from domain.problem import Problem, place
from settings import explanation

_SHORTEST = 3  # shorter ones stand in every other word


def keys(model: type[BaseModel]) -> set[str]:
    """The keys of the top level that hold secrets."""
    return {
        key
        for key, field in explanation.keys(model).items()
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("secret")
    }


def problems(model: type[BaseModel], raw: Mapping[str, str], encrypted: Collection[str]) -> Iterator[Problem]:
    """Secrets in plain text, and private keys where none belongs. `raw` as Pulumi stores it."""
    ours = keys(model)
    for key, text in raw.items():
        if key in ours:
            if key not in encrypted:
                yield Problem(
                    key,
                    "a secret in plain text (its value is not shown)",
                    "an encrypted value",
                    f"pulumi config set --secret {key} < FILE, and treat the old value as known to others",
                )
        elif is_misplaced(model, key, text):
            for location in _private_keys((key,), _parsed(text)):
                yield Problem(
                    place(*location),
                    "a private key (it is not shown)",
                    f"no private key; those that this lab takes are {', '.join(sorted(ours))}",
                    "remove it, treat it as known to others, and set its successor with "
                    "`pulumi config set --secret KEY < FILE`",
                )


def is_misplaced(model: type[BaseModel], key: str, text: str) -> bool:
    """Whether a private key is in what Pulumi stores for a key that takes none."""
    return key not in keys(model) and explanation.is_private_key(text)


def masked(problem: Problem, hidden: Iterable[Any]) -> Problem:
    """The problem without the values that were encrypted; `hidden` holds them as they are in the stack file."""
    leaves = {text for value in hidden for text in _leaves(value) if len(text) >= _SHORTEST}
    # Messages quote values in several ways.
    texts = sorted(leaves | {quote(text)[1:-1] for text in leaves for quote in (repr, json.dumps)}, key=len)

    def mask(text: str) -> str:
        for secret in reversed(texts):
            text = text.replace(secret, "[secret]")
        return text

    return Problem(problem.key, mask(problem.found), mask(problem.expected), mask(problem.fix))


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _private_keys(location: explanation.Location, value: Any) -> Iterator[explanation.Location]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _private_keys((*location, name), inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _private_keys((*location, index), inner)
    elif isinstance(value, str) and explanation.is_private_key(value):
        yield location
