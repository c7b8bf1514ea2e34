"""Pods that answer whom they are asked by: none runs, so the backends of Faces and emojivoto are played beside who asks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.twin.pod.rules import PROXY_UID

_ROLE = "FACES_SERVICE"
_ROLES = ("smiley", "color")
_ONE_IMAGE_FOR_ALL = "/faces-workload:"  # of Faces 1.x, where every part speaks HTTP
_EMOJIVOTO = ("/emojivoto-voting-svc:", "/emojivoto-emoji-svc:")
_FIRST_PORT = 9001


@dataclass(frozen=True, kw_only=True)
class Played:
    """How a container is played: the stand-in's arguments and environment, and the container's port."""

    port: int
    arguments: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """A pod at `address`; its program listens on `local`."""

    name: str
    address: str
    local: int
    played: Played

    @property
    def rule(self) -> str:
        """The way there for the proxy beside it."""
        return (
            f"-A OUTPUT -d {self.address} -p tcp --dport {self.played.port} -m owner --uid-owner {PROXY_UID} "
            f"-j REDIRECT --to-ports {self.local}"
        )

    def command(self, program: str) -> Sequence[str]:
        """Words of a command that becomes the program."""
        given = [f"{name}={value}" for name, value in (*self.played.environment, ("HOSTNAME", self.name))]
        return ["env", "-i", *given, program, f"-port={self.local}", *self.played.arguments]


def neighbours(pods: Iterable[Mapping[str, Any]]) -> list[Neighbour]:
    """Those that are said to run and whose program has a stand-in."""
    return [
        Neighbour(
            name=pod["metadata"]["name"], address=pod["status"]["podIP"], local=_FIRST_PORT + number, played=played
        )
        for number, (pod, played) in enumerate(_answering(pods))
    ]


def _answering(pods: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], Played]]:
    for pod in pods:
        if "deletionTimestamp" in pod["metadata"] or not pod.get("status", {}).get("podIP"):
            continue
        for container in pod["spec"]["containers"]:
            if played := _played(container):
                yield pod, played


def _played(container: Mapping[str, Any]) -> Played | None:
    ports, image = container.get("ports") or [], container["image"]
    if not ports:
        return None
    if any(name in image for name in _EMOJIVOTO):
        return Played(port=_port(ports, "grpc"), arguments=("-emojivoto",))
    environment = {item["name"]: item["value"] for item in container.get("env", []) if item.get("value")}
    if environment.get(_ROLE) not in _ROLES:
        return None
    if _ONE_IMAGE_FOR_ALL in image:
        environment["WORKLOAD_PROTOCOL"] = "http"
    return Played(port=_port(ports, "http"), environment=tuple(sorted(environment.items())))


def _port(ports: Sequence[Mapping[str, Any]], name: str) -> int:
    number: int = next((item for item in ports if item.get("name") == name), ports[0])["containerPort"]
    return number
