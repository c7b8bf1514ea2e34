"""Small operations on the plain values of an object: spelling, known parts, secrets."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from lab.standins.base.values import UNKNOWN, Path, Secrets, walk

# The schema of a CustomResourceDefinition has keys with dashes; the SDKs spell them with underscores.
_DASHED: Final = {
    f"x_kubernetes_{tail.replace('-', '_')}": f"x-kubernetes-{tail}"
    for tail in (
        "embedded-resource",
        "int-or-string",
        "list-map-keys",
        "list-type",
        "map-type",
        "preserve-unknown-fields",
        "validations",
    )
}
_UNDERSCORED: Final = {dashed: underscored for underscored, dashed in _DASHED.items()}
_SHORTEST_WORTH_HIDING: Final = 4
_LINE_WORTH_HIDING: Final = 40


def for_server(value: Any) -> Any:
    """Keys as the API server spells them."""
    return _respelled(value, _DASHED)


def for_engine(value: Any) -> Any:
    """Keys as the SDKs spell them."""
    return _respelled(value, _UNDERSCORED)


def _respelled(value: Any, spelling: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {spelling.get(key, key): _respelled(item, spelling) for key, item in value.items()}
    if isinstance(value, list):
        return [_respelled(item, spelling) for item in value]
    return value


def without_unknowns(value: Any) -> Any:
    """The known part of a value: unknown entries of maps and lists are left out."""
    if isinstance(value, Mapping):
        return {key: without_unknowns(item) for key, item in value.items() if item is not UNKNOWN}
    if isinstance(value, list):
        return [without_unknowns(item) for item in value if item is not UNKNOWN]
    return value


def secrets_of(obj: Mapping[str, Any], inherited: Iterable[Path], *, under: Path = ()) -> Secrets:
    """Secret paths of an object, below `under`: those inherited from its inputs, and all data of a Secret.

    The server may reorder a list, so a secret inside a list makes the whole list secret.
    """
    found = {_up_to_list(path) for path in inherited}
    if obj.get("kind") == "Secret":
        found |= {(key,) for key in ("data", "stringData") if key in obj}
        # The server's record of what kubectl applied repeats the data.
        annotations = (obj.get("metadata") or {}).get("annotations") or {}
        found |= {("metadata", "annotations", key) for key in annotations if key.endswith("last-applied-configuration")}
    return frozenset(under + path for path in found)


def _up_to_list(path: Path) -> Path:
    for index, step in enumerate(path):
        if isinstance(step, int):
            return path[:index]
    return path


def below(prefix: Path, secrets: Iterable[Path]) -> Secrets:
    """The secret paths inside `prefix`, relative to it."""
    return frozenset(
        path[len(prefix) :] for path in secrets if path[: len(prefix)] == prefix and len(path) > len(prefix)
    )


def secret_strings(values: Mapping[str, Any], secrets: Iterable[Path]) -> set[str]:
    """Every string inside a secret that is long enough to be told from chance; to take them out of messages."""
    hidden = set(secrets)
    return {
        value
        for path, value in walk(values)
        if isinstance(value, str)
        and len(value) >= _SHORTEST_WORTH_HIDING
        and any(path[:length] in hidden for length in range(1, len(path) + 1))
    }


def redact(text: str, hidden: Iterable[str]) -> str:
    for secret in sorted(hidden, key=len, reverse=True):
        text = text.replace(secret, "[secret]")
        for line in secret.splitlines():
            if len(line) > _LINE_WORTH_HIDING:
                text = text.replace(line, "[secret]")
    return text
