"""A resource as a rule sees it: names, and its inputs with what is secret and what a preview cannot know told apart."""

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# How the engine marks a value that is none of JSON's (pulumi/sdk: resource/properties.go, plugin/rpc.go).
_KIND = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the mark, not a secret
_UNKNOWN = frozenset(
    (
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    )
)


class Mark(enum.Enum):
    """A value that is not there to be looked at."""

    UNKNOWN = "not known before the update"


UNKNOWN = Mark.UNKNOWN


@dataclass(frozen=True)
class Secret:
    """A value that the engine encrypts in the state and masks in what it prints."""

    value: Any


@dataclass(frozen=True, kw_only=True)
class Resource:
    """`inputs` are lists, dicts and scalars, with `Secret` around what is secret and `UNKNOWN` for what is not known yet."""

    type: str
    name: str
    urn: str
    inputs: Mapping[str, Any] = field(default_factory=dict)

    def get(self, *path: str) -> Any:
        """The value at a path, secrets opened; None where nothing is, UNKNOWN where that cannot be known."""
        value: Any = self.inputs
        for key in path:
            value = opened(value)
            if value is UNKNOWN:
                return UNKNOWN
            value = value.get(key) if isinstance(value, Mapping) else None
        return opened(value)


def read(value: Any) -> Any:
    """What the engine sends, as rules see it."""
    if isinstance(value, Mapping):
        kind = value.get(_KIND)
        if kind == _SECRET:
            return Secret(read(value.get("value")))
        return {key: read(item) for key, item in value.items() if key != _KIND}
    if isinstance(value, list):
        return [read(item) for item in value]
    return UNKNOWN if isinstance(value, str) and value in _UNKNOWN else value


def opened(value: Any) -> Any:
    """The value inside a secret, or the value."""
    return opened(value.value) if isinstance(value, Secret) else value


@dataclass(frozen=True)
class Found:
    """A scalar among the inputs. `path` is written as in a preview (`spec.containers[0].image`), `key` is its last name."""

    path: str
    key: str
    value: Any
    secret: bool


def scalars(value: Any, path: str = "", key: str = "", secret: bool = False) -> Iterator[Found]:
    """Every scalar below, and whether it, or something around it, is secret."""
    if isinstance(value, Secret):
        yield from scalars(value.value, path, key, secret=True)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from scalars(item, f"{path}.{name}" if path else name, name, secret)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, item in enumerate(value):
            yield from scalars(item, f"{path}[{index}]", key, secret)
    elif value is not None:
        yield Found(path, key, value, secret)


def mappings(value: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every object below, itself included, with its path."""
    value = opened(value)
    if isinstance(value, Mapping):
        yield path, value
        for name, item in value.items():
            yield from mappings(item, f"{path}.{name}" if path else name)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, item in enumerate(value):
            yield from mappings(item, f"{path}[{index}]")
