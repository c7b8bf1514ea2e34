"""Differences between two sets of properties, each at its path, and the verdict: none, update or replace."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lab.standins.base.values import Path, dotted

Kind = Literal["add", "delete", "update"]
_ABSENT = object()


@dataclass(frozen=True)
class Difference:
    """The verdict on a change: `changes` by path; a path in `replace` (or below one) asks for a new object.

    `input` tells the engine that both sides are inputs; False when the difference is in the outputs (such as a certificate that must be renewed).
    """

    changes: Mapping[Path, Kind] = field(default_factory=dict)
    replace: frozenset[Path] = frozenset()
    delete_before_replace: bool = False
    input: bool = True

    def replaces(self, path: Path) -> bool:
        """Whether the change at `path` asks for a new object."""
        return any(path[: len(prefix)] == prefix for prefix in self.replace)

    def properties(self) -> list[str]:
        """Names of the top-level properties that changed."""
        return list(dict.fromkeys(str(path[0]) for path in self.changes))


def compare(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    *,
    replace_on: Collection[str] = (),
    delete_before_replace: bool = False,
) -> Difference:
    """Every leaf that differs; `replace_on` names properties (`"subject"`, `"metadata.name"`) whose change replaces the object.

    A property that is None counts as absent. An unknown value differs from everything.
    """
    return Difference(
        changes=dict(_changes(old, new, ())),
        replace=frozenset(tuple(name.split(".")) for name in replace_on),
        delete_before_replace=delete_before_replace,
    )


def _changes(old: Any, new: Any, path: Path) -> Iterator[tuple[Path, Kind]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in [*old, *(name for name in new if name not in old)]:
            yield from _changes(_present(old.get(name)), _present(new.get(name)), (*path, name))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            before = old[index] if index < len(old) else _ABSENT
            after = new[index] if index < len(new) else _ABSENT
            yield from _changes(before, after, (*path, index))
    elif old is _ABSENT and new is not _ABSENT:
        yield path, "add"
    elif new is _ABSENT and old is not _ABSENT:
        yield path, "delete"
    elif old != new or (type(old) is not type(new) and not _both_numbers(old, new)):
        # True equals 1 in Python; to the engine they differ.
        yield path, "update"


def _present(value: Any) -> Any:
    return _ABSENT if value is None else value


def _both_numbers(old: Any, new: Any) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in (old, new))


def describe(difference: Difference) -> dict[str, tuple[Kind, bool]]:
    """The engine's detailed form: path as text -> kind and whether it replaces."""
    return {dotted(path): (kind, difference.replaces(path)) for path, kind in difference.changes.items()}
