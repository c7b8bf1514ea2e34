"""Files of manifests: read, split into objects, put in an order that works."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import urlopen

import yaml

from lab.standins.base.errors import ProviderError
from lab.standins.kubernetes.manifest import (
    Object,
    annotation,
    identity,
    is_core,
    is_definition,
    kind_of,
    name_of,
    namespace_of,
)

DEPENDS_ON: Final = "config.kubernetes.io/depends-on"
_GLOB: Final = re.compile(r"(?:^|[^\\])[*?\[]")
_SECONDS: Final = 30


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # the fast one where it was built
    """YAML as Kubernetes reads it: dates are text, and so is a lone `=`."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag not in {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"}
    ]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


def documents(text: str) -> list[Any]:
    """What is in the documents of a text, the empty ones left out. Raises yaml.YAMLError."""
    return [document for document in yaml.load_all(text, Loader=_Loader) if document]


def parse(text: str, source: str) -> list[Object]:
    """Objects of a text with any number of documents; lists are taken apart. Raises ProviderError that names `source`."""
    try:
        found = documents(text)
    except yaml.YAMLError as problem:
        where = getattr(problem, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        raise ProviderError(f"{source}{line}: not valid YAML: {getattr(problem, 'problem', problem)}") from None
    objects = [obj for document in found for obj in _expanded(document, source)]
    for obj in objects:
        if not obj.get("kind") or not obj.get("apiVersion") or not name_of(obj):
            raise ProviderError(
                f"{source}: an object has no apiVersion, kind or metadata.name (found kind {obj.get('kind')}, "
                f"name {name_of(obj) or None}); every object of a file needs all three"
            )
    return objects


def _expanded(document: Any, source: str) -> Iterator[Object]:
    if not isinstance(document, dict):
        raise ProviderError(f"{source}: a document is no object but a {type(document).__name__}")
    items = document.get("items")
    if isinstance(items, list) and str(document.get("kind")).endswith("List"):
        for item in items:
            yield from _expanded(item, source)
    else:
        if str(document.get("apiVersion")).startswith("core/"):
            document["apiVersion"] = document["apiVersion"].removeprefix("core/")
        yield document


def read(reference: str, *, patterns: bool) -> list[Object]:
    """Objects of a file, of an address, or (with `patterns`) of all files that match, in their names' order."""
    if urlsplit(reference).scheme in {"http", "https"}:
        try:
            with urlopen(reference, timeout=_SECONDS) as answer:  # noqa: S310 - http and https only
                return parse(answer.read().decode(), reference)
        except OSError as problem:
            raise ProviderError(f"{reference} cannot be fetched: {problem}") from None
    matched = patterns and _GLOB.search(reference)
    found = sorted(glob(reference)) if matched else [reference]  # noqa: PTH207 - relative patterns stay relative
    return [obj for name in found for obj in _read_file(Path(name))]


def _read_file(path: Path) -> list[Object]:
    try:
        return parse(path.read_text(), str(path))
    except OSError as problem:
        raise ProviderError(
            f"manifest file {path} cannot be read: {problem.strerror} (looked for it in {Path.cwd()})"
        ) from None


@dataclass
class Planned:
    """An object and the places (in the list) of those that must be there before it."""

    obj: Object
    after: list[int] = field(default_factory=list)


def plan(objects: Sequence[Object]) -> list[Planned]:
    """Definitions before their objects, a Namespace before what lives in it, and what `config.kubernetes.io/depends-on` says.

    Raises ProviderError for objects that wait for each other.
    """
    definitions = {_defined(obj): index for index, obj in enumerate(objects) if is_definition(obj)}
    namespaces = {name_of(obj): index for index, obj in enumerate(objects) if is_core(obj, "Namespace")}
    places = {(kind_of(obj).group, kind_of(obj).kind, identity(obj)): index for index, obj in enumerate(objects)}
    planned = []
    for index, obj in enumerate(objects):
        kind = kind_of(obj)
        before = [definitions.get((kind.group, kind.kind)), namespaces.get(namespace_of(obj))]
        before += [places.get(reference) for reference in _explicit(obj)]
        planned.append(Planned(obj, sorted({place for place in before if place is not None and place != index})))
    _refuse_circles(planned)
    return planned


def _defined(definition: Object) -> tuple[str, str]:
    spec = definition.get("spec") or {}
    return str(spec.get("group")), str((spec.get("names") or {}).get("kind"))


def _explicit(obj: Object) -> Iterator[tuple[str, str, str]]:
    """`group/kind/name` or `group/namespaces/namespace/kind/name`, with commas between."""
    for reference in filter(None, (part.strip() for part in annotation(obj, DEPENDS_ON).split(","))):
        match reference.split("/"):
            case [group, kind, name]:
                yield group, kind, name
            case [group, "namespaces", namespace, kind, name]:
                yield group, kind, f"{namespace}/{name}"
            case _:
                raise ProviderError(
                    f"{identity(obj)}: annotation {DEPENDS_ON} has {reference!r}, expected group/kind/name"
                )


def _refuse_circles(planned: Sequence[Planned]) -> None:
    done: set[int] = set()
    while len(done) < len(planned):
        ready = {index for index, each in enumerate(planned) if index not in done and done.issuperset(each.after)}
        if not ready:
            stuck = [identity(each.obj) for index, each in enumerate(planned) if index not in done]
            raise ProviderError(f"objects depend on each other in a circle: {', '.join(stuck)}")
        done |= ready
