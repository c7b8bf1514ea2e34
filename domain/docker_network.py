"""How the addresses of a lab's Docker network are shared out."""

from ipaddress import IPv4Network

_BITS = 3
SMALLEST = 25  # longest prefix of a range whose first eighth, 16 addresses, still holds a cluster's nodes


def handed_out(subnet: IPv4Network) -> IPv4Network:
    """The part of which Docker gives addresses itself: to the nodes of a cluster. The rest is for fixed addresses.

    Without it a node that starts first could get the address of an edge container. The range is a /25 or larger.
    """
    return next(subnet.subnets(prefixlen_diff=_BITS))
