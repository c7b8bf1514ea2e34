"""`k3d cluster create` and `k3d node create`: what becomes of their flags."""

import re
import secrets
import socket
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import docker
import yaml

import versions
from lab.standins.clusters import cluster
from lab.standins.clusters.errors import Refused
from lab.standins.clusters.flags import Given
from lab.standins.clusters.record import Node, Record
from lab.twin.layout import POD_NETWORK, SERVICE_NETWORK

TEXTS = (
    "network",
    "image",
    "servers",
    "agents",
    "k3s-arg",
    "port",
    "api-port",
    "runtime-label",
    "timeout",
    "registry-config",
)
SWITCHES = ("wait", "kubeconfig-update-default", "kubeconfig-switch-context")
SHORT = {"s": "servers", "a": "agents", "i": "image", "p": "port"}
_NAME = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?")  # a host name, and k3d's longest
_FILTER = re.compile(r"(server|servers|agent|agents|loadbalancer|all)(:(\*|\d+(,\d+)*))?")
_PORT = re.compile(r"(\d{1,5}):(80|443)@loadbalancer")
_API = "127.0.0.1:random"
_DISABLED = ("traefik", "metrics-server", "servicelb")


def wanted(client: docker.DockerClient, given: Given) -> Record:
    """The cluster that `k3d cluster create NAME` asks for. Raises Refused."""
    (name,) = given.arguments or ("k3s-default",)
    if not _NAME.fullmatch(name):
        raise Refused(
            f"Failed Cluster Configuration Validation: provided cluster name '{name}' does not match requirements"
        )
    if given.switches.get("kubeconfig-update-default", True):
        raise Refused("the stand-in never writes the operator's kubeconfig: --kubeconfig-update-default=false")
    if given.text("api-port") != _API:
        raise Refused(f"the stand-in's API server listens on loopback only: --api-port {_API}")
    if not given.text("network"):
        raise Refused("the stand-in joins networks that are there: --network")
    demand_registries(given)
    ports = tuple(_port(text) for text in given.texts.get("port", ()))
    network = cluster.network(client, given.text("network"))
    servers, agents = given.number("servers", 1), given.number("agents", 0)
    if servers < 1:
        raise Refused("the stand-in makes clusters with servers: --servers 1")
    addresses = iter(cluster.free_addresses(client, network, servers + agents))
    labels = {**_labels(given), **_own_labels(name, str(network.name))}
    nodes = [
        *(_node(name, "server", index, next(addresses), labels) for index in range(servers)),
        *(
            _node(name, "agent", index, next(addresses), _own_labels(name, str(network.name)))
            for index in range(agents)
        ),
        Node(
            name=f"k3d-{name}-serverlb",
            role="loadbalancer",
            labels=_own_labels(name, str(network.name), "loadbalancer"),
        ),
    ]
    told = dict(_k3s_arguments(given))
    return Record(
        tool="k3d",
        name=name,
        network=str(network.name),
        network_id=str(network.id),
        image=given.text("image", f"docker.io/rancher/k3s:v{versions.KUBERNETES}-k3s1"),
        nodes=tuple(nodes),
        pod_networks=(_range(told, "cluster-cidr", POD_NETWORK),),
        service_networks=(_range(told, "service-cidr", SERVICE_NETWORK),),
        context=f"k3d-{name}",
        user=f"admin@k3d-{name}",
        balances="servicelb" not in told.get("disable", "").split(","),
        created=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        ports=ports,
    )


def agent(client: docker.DockerClient, found: Record, name: str) -> Node:
    """One more agent, `name` as it is given to `k3d node create`."""
    network = cluster.network(client, found.network)
    (address,) = cluster.free_addresses(client, network, 1)
    # k3d copies the labels of a node that is there, of an agent if there is one.
    like = next((node for node in found.members if node.role == "agent"), found.members[0])
    labels = {**like.labels, "k3d.role": "agent"}
    return Node(name=f"k3d-{name}-0", role="agent", addresses=address, labels=labels, node_labels=_node_labels("agent"))


def demand_registries(given: Given) -> None:
    """Raises Refused when a file of registries is named that k3s would not read; nothing is pulled here."""
    for name in given.texts.get("registry-config", ()):
        try:
            found = yaml.safe_load(Path(name).read_text())
        except (OSError, yaml.YAMLError) as error:
            raise Refused(f"Failed to read registry config '{name}': {error}") from None
        if not isinstance(found, dict) or not found.keys() <= {"mirrors", "configs", "auths"}:
            raise Refused(f"the stand-in knows registries.yaml with mirrors, configs and auths only, and not {name}")


def demand_ports(ports: tuple[int, ...]) -> None:
    """Raises Refused, as Docker does, when a port of this machine is taken."""
    for port in ports:
        if port in cluster.held_ports() or not _is_free(port):
            raise Refused(
                "driver failed programming external connectivity on endpoint: "
                f"Bind for 0.0.0.0:{port} failed: port is already allocated"
            )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104 - nothing listens
        except PermissionError:
            return True  # the engine may, even if this user may not
        except OSError:
            return False
    return True


def _port(text: str) -> int:
    found = _PORT.fullmatch(text)
    if found is None:
        raise Refused(f"the stand-in knows ports of the load balancer only, PORT:80@loadbalancer, and not {text}")
    return int(found[1])


def _labels(given: Given) -> Mapping[str, str]:
    found = {}
    for text in given.texts.get("runtime-label", ()):
        pair, _ = _filtered(text, "server")
        key, _, value = pair.partition("=")
        if key.startswith(("k3d.", "k3s.")) or key == "app":
            raise Refused(f'runtime label "{key}" is reserved for internal usage')
        found[key] = value
    # Of its containers' labels, k3d shows those only.
    return {key: value for key, value in found.items() if key.startswith("k3d")}


def _own_labels(name: str, network: str, role: str = "") -> Mapping[str, str]:
    shown = {
        "k3d.cluster": name,
        "k3d.cluster.network": network,
        "k3d.cluster.network.external": "true",
        "k3d.cluster.token": _token(name),
        "k3d.version": f"v{versions.K3D}",
    }
    return {**shown, "k3d.role": role} if role else shown


_tokens: dict[str, str] = {}


def _token(name: str) -> str:
    """A secret that nobody uses, where the real one is."""
    return _tokens.setdefault(name, secrets.token_hex(10))


def _node(cluster_name: str, role: str, index: int, addresses: tuple[str, ...], labels: Mapping[str, str]) -> Node:
    return Node(
        name=f"k3d-{cluster_name}-{role}-{index}",
        role=role,
        addresses=addresses,
        labels={**labels, "k3d.role": role},
        node_labels=_node_labels(role),
    )


def _node_labels(role: str) -> Mapping[str, str]:
    shared = {"node.kubernetes.io/instance-type": "k3s"}
    return {**shared, "node-role.kubernetes.io/control-plane": "true"} if role == "server" else shared


def _k3s_arguments(given: Given) -> Iterator[tuple[str, str]]:
    for text in given.texts.get("k3s-arg", ()):
        argument, _ = _filtered(text, "server")
        flag, _, value = argument.removeprefix("--").partition("=")
        if flag not in ("cluster-cidr", "service-cidr", "disable"):
            raise Refused(f"the stand-in's cluster does not know k3s' argument --{flag}")
        if flag == "disable" and (unknown := {*value.split(",")} - {*_DISABLED}):
            raise Refused(f"the stand-in's cluster has none of these to disable: {', '.join(sorted(unknown))}")
        yield flag, value


def _filtered(text: str, role: str) -> tuple[str, str]:
    what, at, nodes = text.rpartition("@")
    if not at or not _FILTER.fullmatch(nodes) or not nodes.startswith(role):
        raise Refused(f"Failed to parse node filters (with suffix): invalid format or empty subset in '{nodes}'")
    return what, nodes


def _range(told: Mapping[str, str], flag: str, usual: str) -> str:
    text = told.get(flag, usual)
    try:
        return str(ip_network(text))
    except ValueError as problem:
        raise Refused(f"--{flag}: {problem}") from problem
