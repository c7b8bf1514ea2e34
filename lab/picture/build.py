"""From a lab to the graph of its picture."""

import re
from collections.abc import Iterator

from domain.workloads import TRUST_DOMAIN
from lab.picture import words
from lab.picture.graph import Edge, Graph, Health, Node, Place
from lab.picture.lab import Lab, Machine, Namespace, Route

_TRUST, _CLUSTER, _OUTSIDE = "trust", "cluster", "outside"
_GROUNDS = {"device": "devices, over SSH", "container": "containers", "registered": "registered only"}
_HEALTH = {Health.READY: "✓ ready", Health.FAILING: "✗ not ready"}
_DIGITS = re.compile(r"[0-9]+")


def build(lab: Lab) -> Graph:
    """The graph of a lab, with a node for every single machine."""
    return Graph(
        title=lab.title,
        places=tuple(_places(lab)),
        nodes=(*_mesh(lab), *_services(lab), *_routes(lab), *_permissions(lab), *map(_machine, lab.machines)),
        edges=tuple({edge.key: edge for edge in _edges(lab)}.values()),
    )


def _places(lab: Lab) -> Iterator[Place]:
    yield Place(key=_TRUST, title="trust, in Pulumi's encrypted state")
    yield Place(key=_CLUSTER, title="cluster", lines=lab.cluster)
    for namespace in _namespaces(lab):
        meshed = "meshed" if namespace.meshed else "not meshed"
        title = f"namespace {namespace.name}, {meshed}"
        yield Place(
            key=_namespace(namespace), title=title, lines=(namespace.says,) if namespace.says else (), parent=_CLUSTER
        )
    if lab.machines:
        identities = f"identities spiffe://{TRUST_DOMAIN}/<name>"
        yield Place(key=_OUTSIDE, title="outside the cluster", lines=tuple(filter(None, (identities, lab.access))))
    for kind, title in _GROUNDS.items():
        if any(machine.kind == kind for machine in lab.machines):
            where = tuple(filter(None, (lab.grounds.get(kind),)))  # type: ignore[call-overload]
            yield Place(key=f"{_OUTSIDE}/{kind}", title=title, lines=where, parent=_OUTSIDE)


def _mesh(lab: Lab) -> Iterator[Node]:
    for anchor in lab.anchors:
        yield Node(key=f"anchor/{anchor}", kind="anchor", place=_TRUST, title=anchor)
    for plane in lab.planes:
        yield Node(key=f"plane/{plane.name}", kind="plane", place=_CLUSTER, title=plane.name, lines=plane.lines)


def _services(lab: Lab) -> Iterator[Node]:
    for namespace in _namespaces(lab):
        for pods in namespace.pods:
            yield Node(
                key=_service(namespace, pods.name),
                kind="pods",
                place=_namespace(namespace),
                title=pods.name,
                lines=(*pods.lines, *(lab.handling.get(pods.name, ()) if namespace is lab.demo else ())),
            )
    inside = {pods.name for pods in lab.demo.pods}
    for service in dict.fromkeys(machine.service for machine in lab.machines):
        if service not in inside:
            yield Node(
                key=_service(lab.demo, service),
                kind="service",
                place=_namespace(lab.demo),
                title=service,
                lines=("Service", *lab.handling.get(service, ())),
                family=_stem(service),
            )


def _routes(lab: Lab) -> Iterator[Node]:
    for route in lab.routes:
        on = f"{route.kind} on {route.service}{f', {route.match}' if route.match else ''}"
        yield Node(
            key=_route(route), kind="route", place=_namespace(lab.demo), title=route.name, lines=(on, *route.lines)
        )


def _permissions(lab: Lab) -> Iterator[Node]:
    for permission in lab.permissions:
        yield Node(
            key=f"access/{permission.name}",
            kind="access",
            place=_namespace(lab.demo),
            title=permission.name,
            lines=("access for", *permission.sources),
        )


def _machine(machine: Machine) -> Node:
    state = _HEALTH.get(machine.health, "")
    said = f"{state}: {machine.says}" if state and machine.says else state
    return Node(
        key=f"machine/{machine.name}",
        kind=machine.kind,
        place=f"{_OUTSIDE}/{machine.kind}",
        title=machine.name,
        lines=(*machine.common, *(("given up (gone)",) if machine.gone else ()), *((said,) if said else ())),
        own=(", ".join(machine.addresses),),
        family=_stem(machine.name),
        health=machine.health,
    )


def _edges(lab: Lab) -> Iterator[Edge]:
    for plane in lab.planes:
        if plane.signed_by in lab.anchors:
            yield Edge(source=f"anchor/{plane.signed_by}", target=f"plane/{plane.name}", kind="signs", label="signs")
    for namespace in _namespaces(lab):
        for pods in namespace.pods:
            for called in pods.calls:
                yield from _call(lab, namespace, pods.name, called)
    for route in lab.routes:
        yield from _shares(lab, route)
    known = _known(lab)
    for permission in lab.permissions:
        for service in permission.to:
            if service in known:
                yield Edge(
                    source=f"access/{permission.name}",
                    target=_service(lab.demo, service),
                    kind="allows",
                )
    for machine in lab.machines:
        if not machine.gone:
            yield Edge(source=_service(lab.demo, machine.service), target=f"machine/{machine.name}", kind="reaches")


def _call(lab: Lab, namespace: Namespace, caller: str, called: str) -> Iterator[Edge]:
    source = _service(namespace, caller)
    if "/" in called:
        if called.removeprefix(f"{lab.demo.name}/") in _known(lab):
            yield Edge(source=source, target=f"service/{called}", kind="calls")
        return
    routes = [route for route in lab.routes if route.service == called] if namespace is lab.demo else []
    refused = namespace is lab.demo and (caller, called) in lab.refused
    targets = [_route(route) for route in routes] or [_service(namespace, called)]
    if namespace is lab.demo and not routes and called not in _known(lab):
        return
    for target in targets:
        if refused:
            yield Edge(source=source, target=target, kind="refused", label="✗ refused")
        else:
            yield Edge(source=source, target=target, kind="calls")


def _shares(lab: Lab, route: Route) -> Iterator[Edge]:
    total = sum(route.backends.values())
    known = _known(lab)
    for backend, weight in route.backends.items():
        if backend in known:
            yield Edge(
                source=_route(route),
                target=_service(lab.demo, backend),
                kind="shares",
                label=words.share(weight, total),
            )


def _namespaces(lab: Lab) -> list[Namespace]:
    """Ways in stand above what they lead to."""
    ahead = [other for other in lab.others if any("/" in called for pods in other.pods for called in pods.calls)]
    return [*ahead, lab.demo, *(other for other in lab.others if other not in ahead)]


def _known(lab: Lab) -> set[str]:
    return {pods.name for pods in lab.demo.pods} | {machine.service for machine in lab.machines}


def _namespace(namespace: Namespace) -> str:
    return f"namespace/{namespace.name}"


def _service(namespace: Namespace, name: str) -> str:
    return f"service/{namespace.name}/{name}"


def _route(route: Route) -> str:
    return f"route/{route.name}"


def _stem(name: str) -> str:
    """What names of a series have in common: `sensor-07` and `sensor-8` are of one."""
    return _DIGITS.sub("#", name)
