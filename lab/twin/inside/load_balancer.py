"""What MetalLB's controller does: a Service of type LoadBalancer gets an address of each of its families from a pool.

Only said: nothing answers at those addresses, as no speaker runs.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from lab.twin.api import Api
from lab.twin.inside.pod import runs

_NAMESPACE = "metallb"
_CONTROLLER = f"/apis/apps/v1/namespaces/{_NAMESPACE}/deployments/metallb-controller"
_POOLS = f"/apis/metallb.io/v1beta1/namespaces/{_NAMESPACE}/ipaddresspools"
_SERVICES = "/api/v1/services"


def hand_out(api: Api) -> None:
    """Give addresses to the Services that wait for one; nothing where MetalLB is not installed. Raises TwinError."""
    if not runs(api.get(_CONTROLLER)):
        return
    pools = [text for pool in (api.get(_POOLS) or {}).get("items", []) for text in pool["spec"]["addresses"]]
    services = [
        service for service in (api.get(_SERVICES) or {}).get("items", []) if service["spec"]["type"] == "LoadBalancer"
    ]
    taken = {address for service in services for address in _addresses(service)}
    for service in services:
        families = service["spec"].get("ipFamilies", ["IPv4"])
        # Who changes a Service's families gets other addresses, from MetalLB too.
        if "deletionTimestamp" in service["metadata"] or _families(service) == sorted(families):
            continue
        found = [next(_free(pools, 6 if family == "IPv6" else 4, taken), None) for family in families]
        if None in found:
            continue  # the Service waits, as with a pool that is used up
        taken |= {str(address) for address in found}
        place = f"/api/v1/namespaces/{service['metadata']['namespace']}/services/{service['metadata']['name']}/status"
        ingress = [{"ip": str(address), "ipMode": "VIP"} for address in found]
        api.merge(place, {"status": {"loadBalancer": {"ingress": ingress}}})


def _addresses(service: dict[str, Any]) -> list[str]:
    ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress", [])
    return [entry["ip"] for entry in ingress if "ip" in entry]


def _families(service: dict[str, Any]) -> list[str]:
    return sorted("IPv6" if ":" in address else "IPv4" for address in _addresses(service))


def _free(pools: list[str], version: int, taken: set[str]) -> Iterator[IPv4Address | IPv6Address]:
    """Addresses of a family that no Service has; a pool is a CIDR or `first-last`."""
    for pool in pools:
        first, dash, last = pool.partition("-")
        if dash:
            begin, end = ip_address(first.strip()), ip_address(last.strip())
        else:
            begin, end = ip_network(first)[0], ip_network(first)[-1]
        if begin.version == version:
            for number in range(int(begin), int(end) + 1):
                address = ip_address(number) if version == 4 else IPv6Address(number)
                if str(address) not in taken:
                    yield address
