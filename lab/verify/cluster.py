"""What the lab's cluster says of itself, each answer asked for once a run."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from lab.doctor.once import Once

Object = Mapping[str, Any]

_FAKE_VERSIONS = ("none", "fake", "kwok-")


class Api(Protocol):
    """The reading half of the cluster's API."""

    async def get(self, path: str) -> dict[str, Any] | None:
        """A document; None when there is none. OSError when the API does not answer."""

    async def raw(self, path: str) -> str:
        """What the API answers, as it is."""

    async def field(self, namespace: str, kind: str, name: str, jsonpath: str) -> str | None:
        """One field of an object; None when there is no such object."""


class Cluster:
    """Reads only. Answers are those of the first time, but for `now`."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: dict[str, Once[dict[str, Any] | None]] = {}

    async def get(self, path: str) -> Object | None:
        """A document of the API; None when there is none."""
        if path not in self._known:
            self._known[path] = Once(lambda: self._api.get(path))
        return await self._known[path]()

    async def items(self, path: str) -> Sequence[Object]:
        """The objects of a list; none where their kind is not known."""
        found = await self.get(path) or {}
        return [item for item in found.get("items") or [] if isinstance(item, dict)]

    async def named(self, path: str, name: str) -> Object | None:
        """One object of a list."""
        return next((item for item in await self.items(path) if item["metadata"]["name"] == name), None)

    async def text(self, path: str) -> str:
        """What the API answers now, as it is."""
        return await self._api.raw(path)

    async def field(self, namespace: str, kind: str, name: str, jsonpath: str) -> str | None:
        """One field of an object, so that its others, which may be secret, stay away."""
        return await self._api.field(namespace, kind, name, jsonpath)

    async def node_addresses(self) -> Sequence[str]:
        """Every InternalIP of every node."""
        found = await self.items("/api/v1/nodes")
        return [
            entry["address"]
            for node in found
            for entry in node.get("status", {}).get("addresses", [])
            if entry["type"] == "InternalIP"
        ]

    async def no_pods(self) -> str:
        """Why no pod of this cluster really runs; empty where they do."""
        found = await self.items("/api/v1/nodes")
        if found and all(is_fake(node) for node in found):
            return "no pod runs here: the nodes are kwok's, which only says so"
        return ""


def is_fake(node: Object) -> bool:
    """Whether a node is one that kwok plays."""
    if (node["metadata"].get("annotations") or {}).get("kwok.x-k8s.io/node"):
        return True
    return str(node.get("status", {}).get("nodeInfo", {}).get("kubeletVersion", "")).startswith(_FAKE_VERSIONS)


def condition(item: Object, kind: str) -> Object | None:
    """A condition out of an object's status."""
    listed = (item.get("status") or {}).get("conditions") or []
    return next((entry for entry in listed if entry.get("type") == kind), None)
