"""Pieces of stack files that the pages show, completed to whole ones, and read by the settings.

A piece is laid over a file that fits: one of tests/unit/stack_files.py, or the twin's example. Each of its top-level keys takes the place of
that file's own; of lists whose items have names, items of the same name are replaced and the others stay. A piece of one route, workload or
Service is laid over the one of its name, or over the first. A reader may do one thing of a page or all of it, so a piece has to be
right alone or on top of those before it, in one file at least.
"""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from settings import explanation
from settings.labs import LABS
from settings.load import NAMESPACE, examine
from settings.model import Settings
from tests.conftest import Issue
from tests.unit.markdown import ROOT
from tests.unit.stack_files import VALID, stored

_LISTS = ("routes", "workloads", "services")
_KEYS = {key for model in LABS.values() for key in explanation.keys(model)}


_EXAMPLE = yaml.safe_load((ROOT / "stacks" / "examples" / "Pulumi.twin.yaml").read_text())["config"]
BASES: Mapping[str, Mapping[str, Any]] = {
    **VALID,
    "twin's example": {key.removeprefix(f"{NAMESPACE}:"): value for key, value in _EXAMPLE.items()},
}


def completed(base: Mapping[str, Any], text: str) -> dict[str, Any]:
    """The file with the piece laid over it, without the project's prefix. Raises ValueError for what is no piece of one."""
    value: Any = yaml.safe_load(textwrap.dedent(text))
    if isinstance(value, dict) and set(value) == {"config"}:
        value = value["config"]
    if isinstance(value, dict):
        value = {str(key).removeprefix(f"{NAMESPACE}:"): item for key, item in value.items()}
        if set(value) <= _KEYS:
            return {**base, **{key: _merged(base.get(key), item) for key, item in value.items()}}
    for name in _LISTS:
        inner = next(explanation.models(explanation.keys(Settings)[name].annotation))[1]
        items = value if isinstance(value, list) else [value]
        if all(isinstance(item, dict) and set(item) <= set(explanation.keys(inner)) for item in items):
            first = next(iter(base.get(name) or [{}]))
            named = [item if "name" in item else {**first, **item} for item in items]
            return {**base, name: _merged(base.get(name), named)}
    raise ValueError(f"this is no piece of a stack file: {value}")


def _merged(before: Any, after: Any) -> Any:
    if not (
        after and all(isinstance(value, list) and all("name" in item for item in value) for value in (before, after))
    ):
        return after
    names = {item["name"] for item in after}
    return [*after, *(item for item in before if item["name"] not in names)]


def problems(texts: Sequence[str], project: Path, issue: Issue) -> list[str]:
    """What is wrong with the last of the blocks of a page, in the file that it fits best; none when there is one that it fits."""
    found: list[list[str]] = []
    for name, base in BASES.items():
        for blocks in (texts[-1:], texts):
            said = _problems(base if "lab" in base else {"lab": name, **base}, blocks, project, issue)
            if not said:
                return []
            found.append([f"{name}: {line}" for line in said])
    return min(found, key=len)


def _problems(base: Mapping[str, Any], blocks: Sequence[str], project: Path, issue: Issue) -> list[str]:
    config = deepcopy(dict(base))
    try:
        for block in blocks:
            config = completed(config, block)
    except (ValueError, TypeError, yaml.YAMLError) as error:
        return [str(error)]
    keys = dict(_certificates(config, issue))
    raw, encrypted = stored(config)
    found = examine({**raw, **keys}, {*encrypted, *keys}, project=project).problems
    # What `make up` makes, or puts there, is not there yet.
    return [str(problem) for problem in found if ".lab/" not in problem.found]


def _certificates(config: Mapping[str, Any], issue: Issue) -> Iterator[tuple[str, str]]:
    """Real certificates in the places of those that a page leaves out, and the key that belongs to them."""
    own = (config.get("trust") or {}).get("own")
    if own and all(str(own.get(name, "")).strip().endswith("...") for name in ("anchors", "issuer")):
        anchor = issue("root", days=100)
        issuer = issue("issuer", by=anchor)
        own.update(anchors=anchor.pem, issuer=issuer.pem)
        yield "trust-issuer-key", issuer.key_pem
