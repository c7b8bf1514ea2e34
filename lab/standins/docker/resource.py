"""What all resources of the stand-in share: defaults, physical names, what is not supported, and the verdict on a change."""

from collections.abc import Mapping
from random import Random
from typing import Any, ClassVar

from lab.standins.base import (
    UNKNOWN,
    Call,
    Difference,
    InvalidInputs,
    Problem,
    Properties,
    Resource,
    compare,
)
from lab.standins.docker.engine import Engine

EMPTY: tuple[Any, ...] = (None, "", False, 0, [], {})
SUFFIX_DIGITS = 7
NOT_SUPPORTED = "is not supported by the lab's stand-in for pulumi-docker"


class DockerResource(Resource):
    """A resource on the engine.

    `defaults` are filled in at check (nested ones by the property that holds the list); `sets` are lists whose order means
    nothing; `computed` are properties that the engine fills in, so that taking them out of the program changes nothing;
    `unsupported` maps a path (`mounts.volumeOptions.subpath`) to what to do instead; `named` gives an object without a
    name one made of the resource's name and seven random digits.
    """

    defaults: ClassVar[Mapping[str, Any]] = {}
    nested_defaults: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    sets: ClassVar[frozenset[str]] = frozenset()
    computed: ClassVar[frozenset[str]] = frozenset()
    unsupported: ClassVar[Mapping[str, str]] = {}
    named: ClassVar[bool] = True

    def __init__(self, engine: Engine) -> None:
        """All resources of a provider share its engine."""
        self.engine = engine

    async def check(self, call: Call, old: Properties, inputs: Properties) -> Properties:
        """Inputs without nulls, with defaults and a name; raises `InvalidInputs`."""
        given = _without_nulls(inputs)
        found = [
            Problem(path, f"{NOT_SUPPORTED}: {advice}")
            for path, advice in self.unsupported.items()
            if _has(given, path)
        ]
        checked = {**self.defaults, **given}
        for name, members in self.nested_defaults.items():
            if name in given:
                checked[name] = _with_members(given[name], members)
        if self.named and "name" not in checked:
            checked["name"] = physical_name(call, old)
        found += [] if found else self.problems(checked)
        if found:
            raise InvalidInputs(found)
        return checked

    def problems(self, inputs: Properties) -> list[Problem]:
        """What the schema cannot say; by default nothing."""
        del inputs
        return []

    async def diff(self, call: Call, id: str, state: Properties, inputs: Properties) -> Difference:
        """The verdict; the order of sets, empty values and what the engine had filled in count for nothing."""
        del id
        known = set(self.inputs.get("properties", {}))
        old = {name: value for name, value in (call.old_inputs or state).items() if name in known}
        before, after = self._significant(old), self._significant(inputs)
        before = {name: value for name, value in before.items() if name in after or name not in self.computed}
        for name in self.sets & set(before) & set(after):
            before[name], after[name] = _aligned(canonical(before[name]), canonical(after[name]))
        return compare(before, after, replace_on=self.replace_on, delete_before_replace=self.delete_before_replace)

    def _significant(self, inputs: Mapping[str, Any]) -> Properties:
        return {name: value for name, value in inputs.items() if name in self.defaults or value not in EMPTY}


def physical_name(call: Call, old: Properties) -> str:
    """The name given before, else a new one that no other object has."""
    stem = f"{call.name}-"
    before = old.get("name")
    if isinstance(before, str) and before.startswith(stem) and len(before) == len(stem) + SUFFIX_DIGITS:
        return before
    digits = Random(call.random_seed or None).getrandbits(4 * SUFFIX_DIGITS)  # noqa: S311 - a name is no secret
    return f"{stem}{digits:0{SUFFIX_DIGITS}x}"


def foretold(inputs: Properties, *computed: str) -> Properties:
    """Outputs in a preview: the inputs, and unknown for what only the engine knows."""
    return {**dict.fromkeys(computed, UNKNOWN), **inputs}


def canonical(value: Any) -> Any:
    """`value` with every list below it in one order."""
    if isinstance(value, Mapping):
        return {name: canonical(value[name]) for name in sorted(value)}
    return sorted(map(canonical, value), key=repr) if isinstance(value, list) else value


def _aligned(old: Any, new: Any) -> tuple[Any, Any]:
    """Two sets as lists in which equal members lie at equal places."""
    if not isinstance(old, list) or not isinstance(new, list):
        return old, new
    kept = [member for member in new if member in old]
    return (
        kept + [member for member in old if member not in kept],
        kept + [member for member in new if member not in kept],
    )


def _with_members(value: Any, members: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_with_members(item, members) for item in value]
    return {**members, **value} if isinstance(value, Mapping) else value


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value if item is not None] if isinstance(value, list) else value


def _has(value: Any, path: str) -> bool:
    """Is there a value at the dotted `path`? A False counts as none: it asks for nothing."""
    name, _, rest = path.partition(".")
    if isinstance(value, list):
        return any(_has(item, path) for item in value)
    if not isinstance(value, Mapping) or name not in value:
        return False
    return _has(value[name], rest) if rest else value[name] is not False
