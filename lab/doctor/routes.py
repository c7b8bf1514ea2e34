"""Checks of the routes in a cluster that is there: whether Linkerd has accepted them, and which Service it misses."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from lab.doctor.cluster import Kubectl
from lab.doctor.finding import Finding, failed, ok, warning

_CHECK = "cluster.routes"
_CONTROLLER = "linkerd.io/policy-controller"
_KINDS = ("httproutes", "grpcroutes")
_NEEDED = ("Accepted", "ResolvedRefs")


async def check(kubectl: Kubectl) -> AsyncIterator[Finding]:
    """One finding for each route that Linkerd does not take, or one for all; nothing where there are none or nobody answers."""
    routes = [route for kind in _KINDS for route in await _items(kubectl, f"/apis/gateway.networking.k8s.io/v1/{kind}")]
    ours = [route for route in routes if any(_is_service(parent) for parent in route["spec"].get("parentRefs", []))]
    if not ours:
        return
    services = {_name(service) for service in await _items(kubectl, "/api/v1/services")}
    found = [finding for route in ours if (finding := _finding(route, services, kubectl))]
    for finding in found:
        yield finding
    if not found:
        count = "1 route, accepted" if len(ours) == 1 else f"{len(ours)} routes, all accepted"
        yield ok(_CHECK, "routes", f"{count} by Linkerd, every Service that they name is there")


def _finding(route: Mapping[str, Any], services: set[str], kubectl: Kubectl) -> Finding | None:
    subject = f"route {_name(route)}"
    missing = list(_missing(route, services))
    if missing:
        following = "bring the Service back, or take it out of routes in the stack file; then make up"
        return failed(_CHECK, subject, "; ".join(missing), following)
    said = {
        condition["type"]: condition
        for parent in route.get("status", {}).get("parents", [])
        if parent["controllerName"] == _CONTROLLER
        for condition in parent["conditions"]
    }
    look = kubectl.command("get", f"{route['kind'].lower()}/{route['metadata']['name']}", "-o", "yaml")
    look += f" -n {route['metadata']['namespace']}"
    if not said:
        return warning(_CHECK, subject, "Linkerd has not said yet whether it accepts it", look)
    refused = [said[name] for name in _NEEDED if name in said and said[name]["status"] != "True"]
    if not refused:
        return None
    reasons = ", ".join(
        f"{one['type']} is {one['status']}: {one['reason']} {one.get('message', '')}" for one in refused
    )
    return failed(_CHECK, subject, reasons, look)


def _missing(route: Mapping[str, Any], services: set[str]) -> Iterator[str]:
    """Services that the route names and the cluster does not have, in words."""
    namespace = route["metadata"]["namespace"]
    for parent in route["spec"].get("parentRefs", []):
        if _is_service(parent) and f"{parent.get('namespace', namespace)}/{parent['name']}" not in services:
            yield f"Service {parent['name']}, whose requests it is about, is not there"
    for rule in route["spec"].get("rules", []):
        for backend in rule.get("backendRefs", []):
            if _is_service(backend) and f"{backend.get('namespace', namespace)}/{backend['name']}" not in services:
                yield f"Service {backend['name']}, to which it sends requests, is not there"


def _is_service(reference: Mapping[str, Any]) -> bool:
    return reference.get("kind") == "Service" and reference.get("group", "") in ("", "core")


def _name(found: Mapping[str, Any]) -> str:
    return f"{found['metadata']['namespace']}/{found['metadata']['name']}"


async def _items(kubectl: Kubectl, path: str) -> list[dict[str, Any]]:
    """Nothing for what cannot be had: that the cluster does not answer is said elsewhere."""
    try:
        answer = await kubectl.raw(path)
        if answer.status != 0:
            return []
        document = json.loads(answer.text)
    except (OSError, ValueError):
        return []
    kind = str(document.get("kind", "")).removesuffix("List")
    return [{"kind": kind, **item} for item in document.get("items", [])]
