"""What iptables-restore is told in a container that stands for a pod."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

from domain.proxy import OUTBOUND

PROXY_UID = 2102
_SERVICE = "kubernetes.io/service-name"


def names(node: str, port: int) -> list[str]:
    """Questions for the node's port 53 go to the one that the project's DNS has."""
    return [
        f"-A OUTPUT -d {node} -p {protocol} --dport 53 -j DNAT --to-destination {node}:{port}"
        for protocol in ("udp", "tcp")
    ]


def proxied(node: str, controllers: Mapping[int, int], beside: Sequence[str] = ()) -> list[str]:
    """What linkerd-init does for what leaves a pod, behind a way to the controllers and to what is `beside` it.

    They prove no identity, so a proxy dials them at its own loopback address only: `controllers` is a port of `node` for
    each port there.
    """
    return [
        *(
            f"-A OUTPUT -d 127.0.0.1 -p tcp --dport {port} -j DNAT --to-destination {node}:{beyond}"
            for port, beyond in controllers.items()
        ),
        *(f"-A POSTROUTING -d {node} -p tcp --dport {beyond} -j MASQUERADE" for beyond in controllers.values()),
        *beside,
        f"-A OUTPUT -m owner --uid-owner {PROXY_UID} -j RETURN",
        "-A OUTPUT -o lo -j RETURN",
        f"-A OUTPUT -p tcp -j REDIRECT --to-ports {OUTBOUND}",
    ]


def balanced(services: Iterable[Mapping[str, Any]], slices: Sequence[Mapping[str, Any]], pod_network: str) -> list[str]:
    """What kube-proxy does for a pod without a proxy, with the first endpoint of each port that is no pod's: none runs."""
    return [
        f"-A OUTPUT -d {service['spec']['clusterIP']} -p tcp --dport {port['port']} -j DNAT --to-destination {place}"
        for service in services
        if "." in service["spec"].get("clusterIP", "")
        for port in service["spec"].get("ports", [])
        if (place := next(_endpoints(service["metadata"], port, slices, pod_network), None))
    ]


def table(rules: Iterable[str]) -> str:
    """The rules as the table `nat`."""
    return "\n".join(("*nat", *rules, "COMMIT"))


def _endpoints(
    service: Mapping[str, Any], port: Mapping[str, Any], slices: Sequence[Mapping[str, Any]], pod_network: str
) -> Iterator[str]:
    """Addresses with a port, of a Service's port."""
    for part in slices:
        metadata = part["metadata"]
        of = (metadata["namespace"], metadata.get("labels", {}).get(_SERVICE))
        if of != (service["namespace"], service["name"]) or part["addressType"] != "IPv4":
            continue
        numbers = [item["port"] for item in part.get("ports") or [] if item.get("name", "") == port.get("name", "")]
        for endpoint in part.get("endpoints") or []:
            if (endpoint.get("conditions") or {}).get("ready") is False:
                continue
            for address in endpoint["addresses"]:
                if ip_address(address) not in ip_network(pod_network):
                    yield from (f"{address}:{number}" for number in numbers)
