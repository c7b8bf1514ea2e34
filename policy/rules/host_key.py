"""Whoever is reached over SSH has to prove who it is."""

from collections.abc import Iterator

from .resource import UNKNOWN, Resource
from .rule import ResourceRule

_OVER_SSH = "command:remote:"
_UNCHECKED = ("stricthostkeychecking=no", "stricthostkeychecking=accept-new", "userknownhostsfile=/dev/null")


def _check(resource: Resource) -> Iterator[str]:
    if resource.type.startswith(_OVER_SSH):
        yield from _connections(resource)
    options = resource.get("sshOpts")
    said = " ".join(str(option) for option in options) if isinstance(options, list) else ""
    for unchecked in _UNCHECKED:
        if unchecked in said.replace(" ", "=").lower():
            yield f"sshOpts has {unchecked}: whoever answers at that address would be believed. Remove it, and pin the key in known_hosts"


def _connections(resource: Resource) -> Iterator[str]:
    for path in (("connection",), ("connection", "proxy")):
        connection = resource.get(*path)
        if connection in (None, UNKNOWN):
            continue
        if not resource.get(*path, "hostKey"):
            host = resource.get(*path, "host")
            yield (
                f"{'.'.join(path)} to {host if isinstance(host, str) else 'its host'} has no hostKey: whoever answers at that "
                "address would get what is sent. Add the machine's key to known_hosts, from a source that you trust"
            )


RULE = ResourceRule(
    name="host-key-present",
    description="Every SSH connection pins the key of the host.",
    check=_check,
)
