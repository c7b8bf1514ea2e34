"""Addresses and ranges, written as text; pydantic's own types take numbers for addresses too."""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_ADDRESS = r"[0-9]+(\.[0-9]+){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*"


def _address(value: Any) -> IPv4Address | IPv6Address:
    if isinstance(value, IPv4Address | IPv6Address):
        return value
    try:
        return ip_address(_text(value, _ADDRESS))
    except ValueError:
        raise PydanticCustomError("address", "an IPv4 or IPv6 address") from None


def _network(value: Any) -> IPv4Network | IPv6Network:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    try:
        return ip_network(_text(value, rf"({_ADDRESS})/[0-9]+"))
    except ValueError:
        raise PydanticCustomError(
            "network", "a range such as 10.42.0.0/16 or fd00:10:1::/64, with no bits set behind the prefix"
        ) from None


def _text(value: Any, pattern: str) -> str:
    if isinstance(value, str) and re.fullmatch(pattern, value):
        return value
    raise ValueError


Address = Annotated[
    IPv4Address | IPv6Address,
    PlainValidator(_address),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "format": "address", "pattern": f"^({_ADDRESS})$"}),
]
Network = Annotated[
    IPv4Network | IPv6Network,
    PlainValidator(_network),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "format": "range", "pattern": f"^({_ADDRESS})/[0-9]+$"}),
]
