"""A row of `lab verify`: what it asserts, of whom, and which observed results of the sources it stands for."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from lab.verify.context import Context


class Group(StrEnum):
    """What a person thinks in; in the order in which they are shown."""

    MESH = "mesh"
    DEVICES = "devices"
    NAMES = "names"
    TRAFFIC = "traffic"
    ACCESS = "access"
    WIRE = "wire"
    CERTIFICATES = "certificates"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was found, in one line, and whether that is as promised; `next` is what to type or to edit when it is not."""

    right: bool
    found: str
    next: str = ""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing that a row asserts.

    `look` raises NotProvable where this lab has no place to see it from, OSError or TimeoutError where such a place does
    not work. `workloads` are those outside that it is about.
    """

    subject: str
    expected: str
    look: Callable[[], Awaitable[Seen]]
    workloads: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Row:
    """`results` are those of the table R that it stands for, `needs` what has to be there to see it.

    `cases` follow from the configuration; where there are none, `unasked` says what would have to be configured.
    """

    id: str
    title: str
    group: Group
    results: tuple[str, ...]
    needs: str
    unasked: str
    cases: Callable[[Context], Iterable[Case]]
