"""What differs between an object as it was left and its new inputs, with the official plugin's verdicts.

The object as it was left (live state cut to the shape of the old inputs) is compared, not the old inputs: so a drift that a
refresh has seen shows up, and what the server added does not.
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from lab.standins.base.diff import Difference, Kind
from lab.standins.base.values import UNKNOWN, Path
from lab.standins.kubernetes.forcenew import forces

_ABSENT: Final = object()
_QUANTITY: Final = re.compile(r"([+-]?[0-9.]+)(n|u|m|k|Ki|Mi|Gi|Ti|Pi|Ei|M|G|T|P|E|[eE][+-]?[0-9]+)?")
_QUANTITY_PARENTS: Final = frozenset(
    {"limits", "requests", "capacity", "hard", "allocatable", "default", "defaultRequest", "max", "min"}
)
_UNITS: Final = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal("1e3"),
    "M": Decimal("1e6"),
    "G": Decimal("1e9"),
    "T": Decimal("1e12"),
    "P": Decimal("1e15"),
    "E": Decimal("1e18"),
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)},
}


def difference(
    old: dict[str, Any],
    new: dict[str, Any],
    *,
    force_new: tuple[str, ...],
    ignored: Iterable[Path] = (),
    zero_is_absent: bool = True,
) -> Difference:
    """Changes by path; those that touch a pattern of `force_new` replace.

    `zero_is_absent`: built-in kinds leave out empty values (`""`, `false`, `[]`, `{}`, 0), so a new one is no change.
    """
    changes: dict[Path, tuple[Kind, Any]] = {}
    _compare(old, new, (), changes, zero_is_absent=zero_is_absent)
    kept = {
        path: change for path, change in changes.items() if not any(path[: len(prefix)] == prefix for prefix in ignored)
    }
    replacing = {path for path, (_, value) in kept.items() if forces(path, value, force_new)}
    if kept.get(("metadata",), ("", None))[0] == "delete":
        replacing.add(("metadata",))
    return Difference(changes={path: kind for path, (kind, _) in kept.items()}, replace=frozenset(replacing))


def _compare(old: Any, new: Any, path: Path, changes: dict[Path, tuple[Kind, Any]], *, zero_is_absent: bool) -> None:
    old, new = _present(old), _present(new)
    if old is _ABSENT and new is _ABSENT:
        return
    if new is _ABSENT:
        changes[path] = ("delete", None)
    elif old is _ABSENT:
        if not (zero_is_absent and _is_zero(new)):
            changes[path] = ("add", new)
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            _compare(old.get(key, _ABSENT), new.get(key, _ABSENT), (*path, key), changes, zero_is_absent=zero_is_absent)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            before = old[index] if index < len(old) else _ABSENT
            after = new[index] if index < len(new) else _ABSENT
            _compare(before, after, (*path, index), changes, zero_is_absent=zero_is_absent)
    elif not _same(old, new, path):
        changes[path] = ("update", new)


def _present(value: Any) -> Any:
    return _ABSENT if value is None else value


def _is_zero(value: Any) -> bool:
    return value is not UNKNOWN and not value


def _same(old: Any, new: Any, path: Path) -> bool:
    if isinstance(old, bool) is not isinstance(new, bool):
        return False
    if old == new:
        return True
    if isinstance(old, str | int | float) and isinstance(new, str | int | float) and _holds_quantity(path):
        first, second = quantity(old), quantity(new)
        return first is not None and first == second
    return False


def _holds_quantity(path: Path) -> bool:
    return len(path) > 1 and path[-2] in _QUANTITY_PARENTS


def quantity(value: str | int | float) -> Decimal | None:
    """`500m` -> 0.5, `1Gi` -> 1073741824; None for what is no quantity."""
    matched = _QUANTITY.fullmatch(str(value).strip())
    if matched is None or matched[1].count(".") > 1 or not matched[1].strip("+-."):
        return None
    unit = matched[2] or ""
    if unit[:1] in {"e", "E"} and len(unit) > 1:
        return Decimal(matched[1] + unit)
    return Decimal(matched[1]) * _UNITS.get(unit, Decimal(1))
