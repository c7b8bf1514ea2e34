"""Looking into values that may be anything."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_STEP = re.compile(r"""\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|([^.\[]+)""")
_ABSENT = object()


def mapping(value: object) -> Mapping[str, Any]:
    """The value, or nothing in its place."""
    return value if isinstance(value, Mapping) else {}


def listed(item: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """The mappings of a list."""
    found = item.get(key)
    return [entry for entry in found if isinstance(entry, Mapping)] if isinstance(found, list) else []


def at(value: Any, path: str) -> str | None:
    """What is at a path such as `spec.rules[0].backendRefs`, on one line; None where nothing is."""
    for step in _steps(path):
        if isinstance(value, Mapping):
            value = value.get(str(step), _ABSENT)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
        if value is _ABSENT:
            return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _steps(path: str) -> Iterator[str | int]:
    for number, quoted, plain in _STEP.findall(path):
        yield int(number) if number else quoted.replace('\\"', '"') if quoted else plain
