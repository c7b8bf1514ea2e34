"""A lab as the engine has recorded it: the document that `pulumi stack export` writes."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from domain.access import ACCESS_POLICIES, EVERYBODY
from domain.workloads import APPLICATION_PORT
from lab.picture import words
from lab.picture.graph import Health
from lab.picture.lab import Kind, Lab, Machine, Namespace, Permission, Plane, Pods, Route

_CLUSTERS = {"K3dCluster": "made with k3d", "KindCluster": "made with kind", "K3sCluster": "k3s, installed over SSH"}
_MODES = {policy: mode for mode, policy in ACCESS_POLICIES.items()}
_MADE_BY: Mapping[str, Kind] = {"mesh:edge:EdgeDevice": "device", "mesh:edge:EdgeContainer": "container"}
_ROOT = re.compile(r"trust-root-([0-9]+)-certificate")
_SUFFIX = {"device": "-device", "container": "-docker"}


class StateError(Exception):
    """The document is no stack's state; the text says why."""


class Recorded:
    """The resources of a state, by what they are."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Raises StateError for what is no export."""
        deployment = document.get("deployment")
        listed = deployment.get("resources") if isinstance(deployment, dict) else None
        if not isinstance(listed, list):
            raise StateError("this is not what `pulumi stack export` writes: it has no list of resources")
        # What is to be deleted is on its way out.
        self._resources = [item for item in listed if isinstance(item, dict) and not item.get("delete")]

    def kubernetes(self, kind: str) -> Iterator[Mapping[str, Any]]:
        """Objects of a kind as the cluster last showed them, else as they were asked for."""
        for item in self._resources:
            if str(item.get("type", "")).startswith("kubernetes:") and str(item["type"]).endswith(f":{kind}"):
                yield {**_mapping(item.get("inputs")), **_mapping(item.get("outputs"))}

    def named(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Type and name of resources whose type begins so."""
        for item in self._resources:
            kind = str(item.get("type", ""))
            if kind.startswith(prefix):
                yield kind, str(item.get("urn", "")).rpartition("::")[2]


def from_state(document: Mapping[str, Any], stack: str, live: Mapping[str, tuple[Health, str]] | None = None) -> Lab:
    """What is recorded; `live` is what the cluster says of workloads now. Raises StateError."""
    recorded = Recorded(document)
    machines = tuple(_machine(item, recorded, live) for item in recorded.kubernetes("ExternalWorkload"))
    routes = tuple(route for kind in ("HTTPRoute", "GRPCRoute") for route in _routes(recorded, kind))
    services = {machine.service for machine in machines}
    demo = tuple(_demo(recorded, services))
    return Lab(
        title=f"{stack}: as it is recorded",
        cluster=tuple(_CLUSTERS.get(kind.rpartition(":")[2], "there already") for kind, _ in _clusters(recorded)),
        anchors=tuple(_anchors(recorded)),
        planes=tuple(_planes(recorded)),
        demo=Namespace(name=words.DEMO, pods=demo),
        others=tuple(_others(recorded)),
        machines=machines,
        routes=routes,
        permissions=tuple(_permissions(recorded)),
        access=_access(recorded),
    )


def health(item: Mapping[str, Any]) -> tuple[Health, str]:
    """Whether an ExternalWorkload is ready, and why not."""
    conditions = _mapping(item.get("status")).get("conditions")
    for condition in conditions if isinstance(conditions, list) else ():
        if isinstance(condition, dict) and condition.get("type") == "Ready":
            if condition.get("status") == "True":
                return Health.READY, ""
            return Health.FAILING, str(condition.get("reason") or condition.get("message") or "")
    return Health.UNKNOWN, ""


def _machine(item: Mapping[str, Any], recorded: Recorded, live: Mapping[str, tuple[Health, str]] | None) -> Machine:
    metadata, spec = _mapping(item.get("metadata")), _mapping(item.get("spec"))
    name = str(metadata.get("name"))
    made = {found: kind for kind, found in recorded.named("mesh:edge:Edge")}
    kinds = (kind for token, kind in _MADE_BY.items() if made.get(f"{name}{_SUFFIX[kind]}") == token)
    ports = [port.get("port") for port in _listed(spec, "ports")]
    state, why = (live or {}).get(name) or health(item)
    grpc = _mapping(metadata.get("annotations")).get("mesh-expansion/probe") == "grpc"
    odd = grpc or ports != [APPLICATION_PORT]
    return Machine(
        name=name,
        service=str(_mapping(metadata.get("labels")).get("service", name)),
        kind=next(kinds, "registered"),
        addresses=tuple(str(address.get("ip")) for address in _listed(spec, "workloadIPs")),
        identity=str(_mapping(spec.get("meshTLS")).get("identity", "")),
        common=(f"{'grpc' if grpc else 'http'} on port {', '.join(map(str, ports))}",) if odd else (),
        health=state,
        says=why,
    )


def _clusters(recorded: Recorded) -> list[tuple[str, str]]:
    return [found for found in recorded.named("mesh:cluster:") if found[0].endswith("Cluster")]


def _anchors(recorded: Recorded) -> Iterator[str]:
    """Those that were issued, by their generations."""
    for _, name in recorded.named("tls:index/selfSignedCert:SelfSignedCert"):
        if found := _ROOT.fullmatch(name):
            yield f"trust anchor {found[1]}"


def _planes(recorded: Recorded) -> Iterator[Plane]:
    for release in recorded.kubernetes("Release"):
        name = str(release.get("name"))
        if name != words.DEMO and not name.endswith("crds"):
            yield Plane(name=name, lines=(f"chart {release.get('version', '')}",))


def _demo(recorded: Recorded, outside: set[str]) -> Iterator[Pods]:
    """Faces' own parts, of its chart's values: what the chart makes is not in the state."""
    release = next((item for item in recorded.kubernetes("Release") if item.get("name") == words.DEMO), None)
    if release is None:
        return
    values = _mapping(release.get("values"))
    second = [name for name in ("smiley2", "color2") if _mapping(values.get(name)).get("enabled") is True]
    off = {
        str(_mapping(item.get("metadata")).get("name"))
        for item in recorded.kubernetes("DeploymentPatch")
        if _mapping(item.get("spec")).get("replicas") == 0
    }
    for name in ("face", "faces-gui", "smiley", "color", *second):
        kind = "Service, pods at zero" if name in off else "Service and pods"
        kind = "Service, pods and machines" if name in outside and name not in off else kind
        yield Pods(name=name, lines=(kind,), calls=words.CALLS.get(name, ()))


def _others(recorded: Recorded) -> Iterator[Namespace]:
    """Namespaces with Deployments that the program made one by one."""
    found: dict[str, list[Pods]] = {}
    for item in recorded.kubernetes("Deployment"):
        metadata = _mapping(item.get("metadata"))
        if (namespace := str(metadata.get("namespace"))) not in (words.DEMO, "None", "mesh-expansion"):
            found.setdefault(namespace, []).append(Pods(name=str(metadata.get("name"))))
    for namespace, pods in found.items():
        yield Namespace(name=namespace, pods=tuple(pods))


def _routes(recorded: Recorded, kind: str) -> Iterator[Route]:
    for item in recorded.kubernetes(kind):
        if not str(item.get("apiVersion")).startswith("gateway.networking.k8s.io/"):
            continue  # Linkerd's own are about access
        metadata, spec = _mapping(item.get("metadata")), _mapping(item.get("spec"))
        if metadata.get("namespace") != words.DEMO:
            continue
        service = next((str(parent.get("name")) for parent in _listed(spec, "parentRefs")), "")
        rule = next(iter(_listed(spec, "rules")), {})
        match: Mapping[str, Any] = next(iter(_listed(rule, "matches")), {})
        weights = {str(ref.get("name")): int(ref.get("weight", 1)) for ref in _listed(rule, "backendRefs")}
        call = _mapping(match.get("method"))
        path = f"/{call.get('service')}/{call.get('method', '')}" if call else _mapping(match.get("path")).get("value")
        yield Route(
            name=str(metadata.get("name")),
            kind=kind,
            service=service,
            backends=weights or {service: 1},
            match=" ".join(part for part in (match.get("method"), path) if isinstance(part, str) and part != "/"),
            lines=tuple(words.handling(_mapping(metadata.get("annotations")))),
        )


def _permissions(recorded: Recorded) -> Iterator[Permission]:
    """The rules; that of a lab which says nothing about access is told in words instead."""
    sources: dict[str, list[str]] = {}
    for kind, key in (("MeshTLSAuthentication", "identities"), ("NetworkAuthentication", "networks")):
        for item in recorded.kubernetes(kind):
            found = _mapping(item.get("spec")).get(key)
            said = found if isinstance(found, list) else []
            lines = words.callers(map(str, said)) if key == "identities" else words.networks(_cidrs(said))
            sources.setdefault(str(_mapping(item.get("metadata")).get("name")), []).extend(lines)
    to: dict[str, dict[str, None]] = {}
    for item in recorded.kubernetes("AuthorizationPolicy"):
        spec = _mapping(item.get("spec"))
        service = words.guarded(str(_mapping(spec.get("targetRef")).get("name", "")))
        for reference in _listed(spec, "requiredAuthenticationRefs") if service else ():
            to.setdefault(str(reference.get("name")), {})[str(service)] = None
    for name, services in to.items():
        if name != EVERYBODY:
            yield Permission(name=name, sources=tuple(sources.get(name, ())), to=tuple(services))


def _cidrs(networks: list[Any]) -> list[str]:
    return [str(network.get("cidr")) for network in networks if isinstance(network, dict)]


def _access(recorded: Recorded) -> str:
    modes = {_MODES.get(str(_mapping(item.get("spec")).get("accessPolicy"))) for item in recorded.kubernetes("Server")}
    named = {str(_mapping(item.get("metadata")).get("name")) for item in recorded.kubernetes("MeshTLSAuthentication")}
    if len(modes) != 1:
        return ""
    rules = None if EVERYBODY in named else sum(1 for _ in _permissions(recorded))
    return words.access(next(iter(modes)) or "", rules)


def _listed(item: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = item.get(key)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
