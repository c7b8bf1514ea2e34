"""The JSONPath of `pulumi.com/waitFor`: members, indexes, wildcards and filters of comparisons.

What RFC 9535 has beyond (slices, descendants, functions, `||`) is refused with a clear message, as no project file needs it.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

Step = Callable[[Any], list[Any]]

_MEMBER: Final = re.compile(r"\.([A-Za-z_][\w-]*)|\[\s*'((?:[^'\\]|\\.)*)'\s*\]|\[\s*\"((?:[^\"\\]|\\.)*)\"\s*\]")
_INDEX: Final = re.compile(r"\[\s*(-?\d+)\s*\]")
_WILDCARD: Final = re.compile(r"\[\s*\*\s*\]|\.\*")
_FILTER: Final = re.compile(r"\[\s*\?\s*\(?(.+?)\)?\s*\](?=$|[.\[])")
_COMPARISON: Final = re.compile(
    r"^\s*@((?:\.[A-Za-z_][\w-]*|\['[^']*'\])+)\s*(?:(==|!=|<=|>=|<|>)\s*('[^']*'|\"[^\"]*\"|-?\d+(?:\.\d+)?|true|false|null))?\s*$"
)
_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_WORDS: Final[Mapping[str, Any]] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True)
class Expression:
    """`{.path}` (something is there) or `{.path}=value` (it is that)."""

    text: str
    steps: tuple[Step, ...]
    value: str

    def __str__(self) -> str:
        return self.text

    def select(self, obj: Any) -> list[Any]:
        found = [obj]
        for step in self.steps:
            found = [item for value in found for item in step(value)]
        return found

    def matches(self, found: list[Any]) -> bool:
        if not found:
            return False
        return not self.value or _as_text(found[0]) == self.value


def parse(text: str) -> Expression:
    """Raises ValueError that says what is wrong."""
    braces = re.fullmatch(r"\{\s*(.*?)\s*\}(?:=(.*))?", text, flags=re.DOTALL)
    if braces is None:
        raise ValueError(f"{text!r} should be of the form {{.path}} or {{.path}}=value, without quotes around it")
    path, value = braces[1], braces[2]
    if value == "":
        raise ValueError(f"{text!r} has nothing after the equals sign")
    return Expression(text, tuple(_steps(path.removeprefix("$"), text)), value or "")


def _steps(path: str, whole: str) -> list[Step]:
    steps: list[Step] = []
    position = 0
    while position < len(path):
        step, length = _next(path, position)
        if step is None:
            raise ValueError(
                f"{whole!r}: {path[position:]!r} is not understood; use .name, ['name'], [0], [*] or [?(@.name==\"value\")]"
            )
        steps.append(step)
        position += length
    return steps


def _next(path: str, position: int) -> tuple[Step | None, int]:
    if found := _MEMBER.match(path, position):
        return _member(next(group for group in found.groups() if group is not None)), len(found[0])
    if found := _INDEX.match(path, position):
        return _index(int(found[1])), len(found[0])
    if found := _WILDCARD.match(path, position):
        return _children, len(found[0])
    if found := _FILTER.match(path, position):
        step = _filter(found[1])
        return step, len(found[0])
    return None, 0


def _member(name: str) -> Step:
    plain = name.replace("\\'", "'").replace('\\"', '"')
    return lambda value: [value[plain]] if isinstance(value, dict) and plain in value else []


def _index(number: int) -> Step:
    return lambda value: [value[number]] if isinstance(value, list) and -len(value) <= number < len(value) else []


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list) else []


def _filter(text: str) -> Step | None:
    tests = [_test(part) for part in text.split("&&")]
    if any(test is None for test in tests):
        return None
    return lambda value: [item for item in _children(value) if all(test(item) for test in tests if test)]


def _test(text: str) -> Callable[[Any], bool] | None:
    found = _COMPARISON.match(text)
    if found is None:
        return None
    path, sign, literal = found.groups()
    steps = _steps(path, text)

    def test(item: Any) -> bool:
        values = Expression(text, tuple(steps), "").select(item)
        if not sign:
            return bool(values)
        try:
            return bool(values) and _COMPARE[sign](values[0], _literal(literal))
        except TypeError:
            return False

    return test


def _literal(text: str) -> Any:
    if text[0] in "'\"":
        return text[1:-1]
    return _WORDS[text] if text in _WORDS else float(text)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
