"""Waiting for what the object's `status` says: `pulumi.com/waitFor`, and the generic Ready."""

import json
from collections.abc import Mapping
from typing import Any

from lab.standins.kubernetes.await_.jsonpath import Expression, parse
from lab.standins.kubernetes.await_.progress import READY, Judge, Progress, waiting
from lab.standins.kubernetes.manifest import Object, metadata


def status_of(obj: Mapping[str, Any]) -> dict[str, Any]:
    found = obj.get("status")
    return found if isinstance(found, dict) else {}


def condition(obj: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The condition of that type, or an empty one. Types are compared without regard to case, as kubectl does."""
    for found in status_of(obj).get("conditions") or []:
        if isinstance(found, dict) and str(found.get("type")).lower() == kind.lower():
            return found
    return {}


def observed(obj: Mapping[str, Any]) -> bool:
    """Whether the controller has seen the object's last change (true where it does not tell)."""
    seen = status_of(obj).get("observedGeneration")
    return not isinstance(seen, int) or seen >= int(metadata(obj).get("generation") or 0)


def wait_for(text: str) -> list[Judge]:
    """Judges for an annotation: `condition=Type[=Status]`, `jsonpath={.path}[=value]`, or a JSON list of these.

    Raises ValueError with what is wrong with it.
    """
    try:
        listed = json.loads(text)
    except ValueError:
        listed = text
    expressions = listed if isinstance(listed, list) else [text]
    if not expressions:
        raise ValueError("at least one condition must be given")
    return [_judge(expression) for expression in expressions]


def _judge(expression: Any) -> Judge:
    if isinstance(expression, str) and expression.startswith("jsonpath="):
        return _path_judge(parse(expression.removeprefix("jsonpath=")))
    if isinstance(expression, str) and expression.startswith("condition="):
        kind, _, wanted = expression.removeprefix("condition=").partition("=")
        return _condition_judge(kind, wanted or "True")
    raise ValueError(f'expected "jsonpath={{...}}" or "condition=...", got {expression!r}')


def _condition_judge(kind: str, wanted: str) -> Judge:
    async def judge(obj: Object) -> Progress:
        found = condition(obj, kind)
        current = found.get("observedGeneration")
        stale = isinstance(current, int) and current < int(metadata(obj).get("generation") or 0)
        if not stale and str(found.get("status", "")).lower() == wanted.lower():
            return READY
        said = found.get("message") or found.get("reason") or ("nothing yet" if not found else found.get("status"))
        return waiting(f"Waiting for condition {kind}={wanted}: {said}")

    return judge


def _path_judge(expression: Expression) -> Judge:
    async def judge(obj: Object) -> Progress:
        if not observed(obj):
            return waiting(f"Waiting for {expression}: the controller has not seen the last change")
        found = expression.select(obj)
        if expression.matches(found):
            return READY
        said = f"found {found[0]!r}" if found else "found nothing"
        return waiting(f"Waiting for {expression}: {said}")

    return judge


def all_of(judges: list[Judge]) -> Judge:
    async def judge(obj: Object) -> Progress:
        for one in judges:
            progress = await one(obj)
            if not progress.ready:
                return progress
        return READY

    return judge


async def generic_ready(obj: Object) -> Progress:
    """The usual reading of a custom resource's conditions; taken with PULUMI_K8S_AWAIT_ALL=true only."""
    if not observed(obj):
        return waiting("Waiting for the controller to see the last change")
    stalled = condition(obj, "Stalled")
    if stalled.get("status") == "True":
        return waiting("Stalled", str(stalled.get("message") or stalled.get("reason") or ""))
    reconciling = condition(obj, "Reconciling")
    if reconciling.get("status") == "True":
        return waiting(str(reconciling.get("message") or "Reconciling"))
    found = condition(obj, "Ready")
    if found and found.get("status") != "True":
        return waiting(
            f"Waiting for condition Ready: {found.get('message') or found.get('reason') or found.get('status')}"
        )
    return READY
