"""A lab as its stack file describes it, before anything is there."""

from collections.abc import Iterator

from domain import emojivoto
from domain.access import DEFAULT_ACCOUNT, Access, Caller, Rule
from domain.workloads import APPLICATION_PORT, Workload
from lab.picture import words
from lab.picture.lab import Kind, Lab, Machine, Namespace, Permission, Plane, Pods, Route
from settings import Settings
from settings.access import access
from settings.asked import faces_plan, workload_list
from settings.cluster import (
    ClusterSettings,
    DualStackClusterSettings,
    K3dClusterSettings,
    K3sClusterSettings,
    KindClusterSettings,
)
from settings.docker_checks import network
from settings.edge_checks import host, provisioned
from settings.model import WorkloadSettings
from settings.traffic_checks import route_list, service_list

_LONGEST = 48


def from_settings(settings: Settings, stack: str) -> Lab:
    """What the settings say; nothing is asked."""
    workloads = workload_list(settings)
    rules = access(settings)
    return Lab(
        title=f"{stack}: {settings.lab}" if stack != settings.lab else stack,
        cluster=(*_cluster(settings), _ranges(settings)),
        anchors=tuple(_anchors(settings)),
        planes=tuple(_planes(settings)),
        demo=Namespace(name=words.DEMO, pods=tuple(_demo(settings)), says=_inbound(settings)),
        others=tuple(_others(settings)),
        machines=tuple(_machine(*pair) for pair in zip(settings.workloads, workloads, strict=True)),
        routes=tuple(_routes(settings)),
        permissions=tuple(_permissions(settings, rules)),
        access=words.access(rules.mode, None if settings.policy.access is None else len(rules.rules)),
        refused=frozenset(_refused(rules)),
        handling={entry.name: tuple(words.handling(entry.annotations)) for entry in service_list(settings)},
        grounds=_grounds(settings),
    )


def _cluster(settings: Settings) -> Iterator[str]:
    cluster = settings.cluster
    if isinstance(cluster, K3dClusterSettings):
        yield f"k3d: {cluster.name}, {cluster.servers} server{'s' * (cluster.servers > 1)}, {cluster.agents} agents"
        yield f"Docker network {cluster.network}, {cluster.subnet}"
    elif isinstance(cluster, KindClusterSettings):
        yield f"kind: {cluster.name}"
    elif isinstance(cluster, K3sClusterSettings):
        yield f"k3s {cluster.version} on {cluster.host}"
    elif isinstance(cluster, ClusterSettings | DualStackClusterSettings):
        yield f"there already: {cluster.kubeconfig}{f', context {cluster.context}' if cluster.context else ''}"


def _ranges(settings: Settings) -> str:
    pods = ", ".join(str(network) for network in settings.cluster.pod_networks)
    return f"pods {pods}; Services {', '.join(str(network) for network in settings.cluster.service_networks)}"


def _anchor(settings: Settings) -> str:
    return "your own trust anchor" if settings.trust.own else f"trust anchor {settings.trust.issuing_root}"


def _anchors(settings: Settings) -> list[str]:
    return [_anchor(settings)] if settings.trust.own else [f"trust anchor {number}" for number in settings.trust.roots]


def _planes(settings: Settings) -> Iterator[Plane]:
    trust, spire = settings.trust, settings.spire
    issuer = "issuer of your own" if trust.own else f"issuer {trust.issuer}, {trust.issuer_days} days"
    yield Plane(name="linkerd", lines=(settings.linkerd.version, issuer), signed_by=_anchor(settings))
    if provisioned(settings) and spire.topology == "server":
        lines = (
            f"server at port {spire.server_port} of every node",
            f"authority {spire.upstream}, device CA {spire.device_ca}",
        )
        yield Plane(name="spire", lines=lines, signed_by=_anchor(settings))
    if isinstance(settings.cluster, KindClusterSettings):
        addresses = tuple(str(network) for network in settings.cluster.load_balancer_addresses)
        yield Plane(name="metallb", lines=addresses)


def _demo(settings: Settings) -> Iterator[Pods]:
    plan = faces_plan(settings)
    behind = {workload.service or workload.name for workload in settings.workloads}
    for service in plan.chart_services:
        if service in plan.on_edge:
            kind = "Service, pods at zero"
        else:
            kind = "Service, pods and machines" if service in behind else "Service and pods"
        yield Pods(name=service, lines=(kind,), calls=words.CALLS.get(service, ()))


def _others(settings: Settings) -> Iterator[Namespace]:
    if getattr(settings, "emojivoto", None) is not None:
        called = {"web": ("emoji", "voting"), "vote-bot": ("web",)}
        parts = [Pods(name=part.name, calls=called.get(part.name, ())) for part in emojivoto.parts()]
        yield Namespace(name=emojivoto.NAMESPACE, pods=tuple(parts), says=_inbound(settings))
    if getattr(settings, "emissary", None) is not None:
        ingress = Pods(name="emissary-ingress", lines=("way in",), calls=("faces/faces-gui", "faces/face"))
        yield Namespace(name="emissary", pods=(ingress,), meshed=False)


def _inbound(settings: Settings) -> str:
    """What becomes of calls that no rule speaks of."""
    return f"default inbound: {settings.policy.default_inbound}" if settings.policy.default_inbound else ""


def _machine(asked: WorkloadSettings, workload: Workload) -> Machine:
    kind: Kind = "device" if asked.device else "container" if asked.container else "registered"
    return Machine(
        name=workload.name,
        service=workload.service,
        kind=kind,
        addresses=tuple(str(address) for address in workload.addresses),
        identity=workload.spiffe_id,
        common=tuple(_common(asked, workload)),
        gone=asked.device is not None and asked.device.gone,
    )


def _common(asked: WorkloadSettings, workload: Workload) -> Iterator[str]:
    if workload.protocol == "grpc" or workload.port != APPLICATION_PORT:
        yield f"{workload.protocol} on port {workload.port}"
    if asked.image:
        yield _cut(asked.image)
    if asked.device and asked.device.architecture:
        yield asked.device.architecture
    if asked.device and asked.device.host and asked.device.host != host(asked):
        yield asked.device.host
    for name, value in asked.environment.items():
        yield _cut(f"{name}={value}")


def _routes(settings: Settings) -> Iterator[Route]:
    for route in route_list(settings):
        yield Route(
            name=route.name,
            kind=route.kind,
            service=route.service,
            backends=route.backends or {route.service: 1},
            match=" ".join(filter(None, (route.method, route.path))),
            lines=tuple(words.handling(route.annotations)),
        )


def _permissions(settings: Settings, rules: Access) -> Iterator[Permission]:
    for rule in rules.rules if settings.policy.access is not None else ():
        yield Permission(name=rule.name, sources=tuple(_sources(rule)), to=rule.to)


def _sources(rule: Rule) -> Iterator[str]:
    if rule.meshed:
        yield "everybody on the mesh"
    yield from (f"service account {name}" for name in rule.service_accounts)
    yield from (f"workload {name}" for name in rule.workloads)
    yield from words.networks(str(network) for network in rule.networks)


def _refused(rules: Access) -> Iterator[tuple[str, str]]:
    for name, called in words.CALLS.items():
        # A part that a rule names runs as an account of its own, the others as the namespace's.
        caller = Caller.account(name if name in rules.accounts else DEFAULT_ACCOUNT)
        yield from ((name, service) for service in called if not rules.answers(caller, service))


def _grounds(settings: Settings) -> dict[Kind, str]:
    joined = network(settings)
    bundled = settings.spire.topology == "bundled"
    return {
        "device": f"a SPIRE server on each, authority {settings.spire.intermediate}" if bundled else "",
        "container": f"Docker network {joined}" if joined else "",
        "registered": "this lab does not provision them",
    }


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
