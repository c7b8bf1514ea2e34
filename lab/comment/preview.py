"""What `pulumi preview --json` says: the changes of a lab, one a resource, without secrets."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lab.comment import redaction

_ROOT = "pulumi:pulumi:Stack"


class PreviewError(Exception):
    """The document is no preview; the text says why."""


class Kind(StrEnum):
    """What becomes of a resource, what matters most first."""

    REPLACED = "replaced"
    DELETED = "deleted"
    CREATED = "created"
    UPDATED = "updated"
    IMPORTED = "imported"
    REFRESHED = "refreshed"
    READ = "read"
    FORGOTTEN = "forgotten"


# The engine's operations; one that is not here is nothing that changes.
_KINDS = {
    "replace": Kind.REPLACED,
    "create-replacement": Kind.REPLACED,
    "delete-replaced": Kind.REPLACED,
    "import-replacement": Kind.REPLACED,
    "delete": Kind.DELETED,
    "create": Kind.CREATED,
    "update": Kind.UPDATED,
    "import": Kind.IMPORTED,
    "refresh": Kind.REFRESHED,
    "read": Kind.READ,
    "read-replacement": Kind.READ,
    "discard": Kind.FORGOTTEN,
    "discard-replaced": Kind.FORGOTTEN,
}


@dataclass(frozen=True, kw_only=True)
class Change:
    """One resource; `before` and `after` are its inputs, empty where there are none.

    `reasons` are the keys for which it is replaced, `paths` those that differ, as `spec.rules[0].backendRefs[1].weight`.
    """

    urn: str
    type: str
    name: str
    kind: Kind
    reasons: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Preview:
    """`unchanged` is how many resources stay; `errors` and `warnings` are what the engine and the program said."""

    stack: str
    changes: Sequence[Change]
    unchanged: int = 0
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def tally(self) -> list[tuple[Kind, int]]:
        """How many of each kind there are, what matters most first."""
        counted = Counter(change.kind for change in self.changes)
        return [(kind, counted[kind]) for kind in Kind if counted[kind]]


def read(text: str) -> Preview:
    """The preview in a text. Raises PreviewError."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise PreviewError("this is not what `pulumi preview --json` writes: it is no JSON") from None
    if not isinstance(document, dict) or not {"steps", "changeSummary", "diagnostics"} & document.keys():
        raise PreviewError("this is not what `pulumi preview --json` writes: it has neither steps nor diagnostics")
    found: dict[str, Change] = {}
    stack = ""
    for step in _mappings(document.get("steps")):
        urn = str(step.get("urn", ""))
        stack = stack or _stack(urn)
        change = _change(urn, step)
        if change is not None:
            found[urn] = _merged(found[urn], change) if urn in found else change
    said = [
        (str(item.get("severity", "")), redaction.message(str(item.get("message", "")).strip()))
        for item in _mappings(document.get("diagnostics"))
    ]
    return Preview(
        stack=stack,
        changes=[change for change in found.values() if change.type != _ROOT],
        unchanged=_unchanged(document.get("changeSummary")),
        errors=tuple(message for severity, message in said if severity == "error" and message),
        warnings=tuple(message for severity, message in said if severity == "warning" and message),
    )


def _change(urn: str, step: Mapping[str, Any]) -> Change | None:
    kind = _KINDS.get(str(step.get("op")))
    if kind is None or not urn:
        return None
    old, new = _mapping(step.get("oldState")), _mapping(step.get("newState"))
    detailed = _mapping(step.get("detailedDiff"))
    token = str(new.get("type") or old.get("type") or urn.split("::", 3)[-2].rpartition("$")[2] if "::" in urn else "")
    return Change(
        urn=urn,
        type=token,
        name=redaction.clean(urn.split("::", 3)[-1]),
        kind=kind,
        reasons=_texts(step.get("replaceReasons")),
        paths=_texts(list(detailed)) or _texts(step.get("diffReasons")),
        before=redaction.clean_object(token, _mapping(old.get("inputs"))),
        after=redaction.clean_object(token, _mapping(new.get("inputs"))),
    )


def _merged(first: Change, second: Change) -> Change:
    """The engine tells a replacement in up to three steps."""
    ranked = sorted((first, second), key=lambda change: list(Kind).index(change.kind))
    return Change(
        urn=first.urn,
        type=first.type,
        name=first.name,
        kind=ranked[0].kind,
        reasons=tuple(dict.fromkeys((*first.reasons, *second.reasons))),
        paths=tuple(dict.fromkeys((*first.paths, *second.paths))),
        before=first.before or second.before,
        after=first.after or second.after,
    )


def _unchanged(summary: object) -> int:
    """As the engine counts: components and the stack itself too."""
    same = _mapping(summary).get("same", 0)
    return same if isinstance(same, int) else 0


def _stack(urn: str) -> str:
    parts = urn.split("::")
    return parts[0].removeprefix("urn:pulumi:") if len(parts) > 1 else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(redaction.clean(str(item)) for item in value) if isinstance(value, list) else ()


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
