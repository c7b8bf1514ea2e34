"""What a rule is: a name, a sentence, and a pure function that says what is wrong."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .resource import Resource


@dataclass(frozen=True)
class Violation:
    """What is wrong with one resource, and what to do about it. Never holds a secret."""

    urn: str
    message: str


@dataclass(frozen=True, kw_only=True)
class ResourceRule:
    """Looks at one resource, before the engine does anything with it; `check` yields what is wrong."""

    name: str
    description: str
    check: Callable[[Resource], Iterator[str]]


@dataclass(frozen=True, kw_only=True)
class StackRule:
    """Looks at all resources together, once all are known."""

    name: str
    description: str
    check: Callable[[Sequence[Resource]], Iterator[Violation]]
