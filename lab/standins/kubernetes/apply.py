"""Making and changing objects at the API server: creation with retries, server-side apply, ownership of fields."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

from lab.standins.base.engine import EngineLog
from lab.standins.base.errors import ProviderError
from lab.standins.kubernetes.client import Client
from lab.standins.kubernetes.errors import ApiError, NoSuchKind
from lab.standins.kubernetes.manifest import (
    PATCH_FORCE,
    Object,
    annotated_true,
    identity,
    is_definition,
    kind_of,
    metadata,
    name_of,
    namespace_of,
)

CREATOR: Final = "pulumi-kubernetes"
_RETRIES: Final = 5
_FIRST_RETRY_SECONDS: Final = 0.5
# Managers whose fields this provider takes over before it applies: its own creations, and kubectl's.
_PREDECESSORS: Final = frozenset(
    {
        ("kubectl", "Apply"),
        ("kubectl", "Update"),
        ("before-first-apply", "Update"),
        ("pulumi-kubernetes", "Update"),
        ("pulumi-kubernetes.exe", "Update"),
        ("pulumi-resource-kubernetes", "Update"),
    }
)
_OWN_UPDATES: Final = frozenset({"pulumi-resource-kubernetes", "pulumi-kubernetes", "pulumi-kubernetes.exe"})

T = TypeVar("T")


async def to_the_end(work: Callable[[], T]) -> tuple[T, bool]:
    """The result of a blocking call, and whether a cancel came meanwhile: what was asked for must not be forgotten."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task), False
    except asyncio.CancelledError:
        return await task, True


async def with_retries(work: Callable[[], T], log: EngineLog) -> tuple[T, bool]:
    """Tries again while a namespace or a definition is only just coming, for about fifteen seconds in all."""
    pause = _FIRST_RETRY_SECONDS
    for attempt in range(1, _RETRIES + 1):
        try:
            return await to_the_end(work)
        except (ApiError, NoSuchKind) as problem:
            if isinstance(problem, ApiError) and not problem.not_found:
                raise
            await log.status(f"Retry #{attempt}; creation failed: {problem}")
        await asyncio.sleep(pause)
        pause *= 2
    return await to_the_end(work)


def force(obj: Object, *, always: bool) -> bool:
    """Whether a conflict with another owner of a field is decided in our favour."""
    return always or annotated_true(obj, PATCH_FORCE)


def make(client: Client, obj: Object, *, manager: str, upsert: bool, forced: bool) -> Object:
    """A new object. With `upsert` one that exists is changed; without, it is an error that says what can be done."""
    try:
        if upsert:
            return client.apply(obj, manager=manager, force=forced)
        return client.create(obj, manager=CREATOR)
    except ApiError as problem:
        if problem.already_exists:
            raise ProviderError(
                f"{problem}\nThe object exists but is not in this stack's state. Take it over with `pulumi import` "
                f"(id {identity(obj)}), change single fields with a {kind_of(obj).kind}Patch resource, or set upsertExistingObjects "
                "on the provider. After an interrupted update, `pulumi refresh --import-pending-creates` takes it over as well."
            ) from None
        raise explained(problem, manager) from None


def patch(client: Client, obj: Object, *, manager: str, forced: bool) -> Object:
    """Some fields of an object that someone else owns."""
    try:
        client.get(kind_of(obj), namespace_of(obj), name_of(obj))
    except ApiError as problem:
        if problem.not_found:
            raise ProviderError(
                f"{kind_of(obj).kind} {identity(obj)} does not exist, so there is nothing to patch; create it first "
                "(depends_on), or correct metadata.name and metadata.namespace"
            ) from None
        raise
    try:
        return client.apply(obj, manager=manager, force=forced)
    except ApiError as problem:
        raise explained(problem, manager) from None


def change(
    client: Client, live: Object, obj: Object, *, manager: str, forced: bool, owned: bool, dry_run: bool = False
) -> Object:
    """`live` becomes `obj`. `owned` is false for patches, whose other fields stay with their owners."""
    if is_definition(obj):
        replaced = {**obj, "metadata": {**metadata(obj), "resourceVersion": metadata(live).get("resourceVersion")}}
        return client.replace(replaced, manager=manager, dry_run=dry_run)
    if owned and not dry_run:
        take_over(client, live, manager)
    managed = metadata(live).get("managedFields") or []
    forced = forced or not managed or (dry_run and still_to_take_over(live))
    try:
        return client.apply(obj, manager=manager, force=forced, dry_run=dry_run)
    except ApiError as problem:
        raise explained(problem, manager) from None


def still_to_take_over(live: Object) -> bool:
    """True until the first update: then the fields belong to the creation, and a dry run cannot take them over first."""
    managed = metadata(live).get("managedFields") or []
    return any(entry.get("operation") == "Update" and entry.get("manager") in _OWN_UPDATES for entry in managed)


def take_over(client: Client, live: Object, manager: str) -> None:
    """Fields of predecessors become those of `manager`, so that a field left out of the program is removed."""
    before = metadata(live).get("managedFields") or []
    after = taken_over(before, manager)
    if after != before:
        client.json_patch(
            live,
            [
                {"op": "replace", "path": "/metadata/managedFields", "value": after},
                {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata(live).get("resourceVersion")},
            ],
        )


def taken_over(entries: list[dict[str, Any]], manager: str) -> list[dict[str, Any]]:
    """Entries of managedFields with those of predecessors merged into `manager`'s Apply entry."""

    def ours(entry: dict[str, Any]) -> bool:
        return entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource")

    def predecessor(entry: dict[str, Any]) -> bool:
        return (entry.get("manager"), entry.get("operation")) in _PREDECESSORS and not entry.get("subresource")

    taken = [entry for entry in entries if predecessor(entry)]
    if not taken:
        return entries
    first, *others = [*(entry for entry in entries if ours(entry)), *taken]
    fields = dict(first.get("fieldsV1") or {})
    for entry in others:
        fields = _merged(fields, entry.get("fieldsV1") or {})
    mine = {**first, "manager": manager, "operation": "Apply", "fieldsV1": fields}
    return [mine, *(entry for entry in entries if not ours(entry) and not predecessor(entry))]


def _merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    result = dict(first)
    for key, value in second.items():
        result[key] = (
            _merged(result[key], value) if isinstance(result.get(key), dict) and isinstance(value, dict) else value
        )
    return result


def relinquish(client: Client, obj: Object, manager: str) -> None:
    """Gives up every field that `manager` owns; those without another owner go back to their defaults.

    As the official plugin it does not ask first whether the object is there: where it is gone, this would make it anew out of
    its name, and the API refuses that for each kind with a required field.
    """
    bare: Object = {
        "apiVersion": obj.get("apiVersion"),
        "kind": obj.get("kind"),
        "metadata": {key: value for key in ("name", "namespace") if (value := metadata(obj).get(key))},
    }
    try:
        client.apply(bare, manager=manager)
    except NoSuchKind:
        return
    except ApiError as problem:
        if problem.not_found:
            return
        required = [
            cause.get("field")
            for cause in problem.details.get("causes") or []
            if cause.get("reason") == "FieldValueRequired"
        ]
        if required:
            raise ProviderError(
                "this Patch resource manages a required field, so it cannot be deleted by itself: "
                f"{', '.join(map(str, required))}. Set the resource option retain_on_delete, or give the field to another owner first"
            ) from None
        raise


def explained(problem: ApiError, manager: str) -> ProviderError:
    if problem.conflict:
        return ProviderError(
            f"field conflict: {problem}\nAnother manager than {manager} owns these fields. Leave them out of the program, "
            f'or set the annotation {PATCH_FORCE}: "true" to take them over.'
        )
    return problem
