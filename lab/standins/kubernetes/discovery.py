"""Which kinds a cluster serves: their plural names and whether they live in namespaces."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lab.standins.kubernetes.errors import ApiError, NoSuchKind, Unreachable
from lab.standins.kubernetes.manifest import Kind, Object, is_known_kind

# Built-in kinds that live outside namespaces; for when no server can be asked.
_CLUSTER_WIDE: Final = frozenset(
    [
        "APIService",
        "CSIDriver",
        "CSINode",
        "CertificateSigningRequest",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "FlowSchema",
        "IngressClass",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "RuntimeClass",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "VolumeAttachment",
    ]
)


def namespaced_by_rule(kind: Kind) -> bool:
    return not (is_known_kind(kind) and kind.kind in _CLUSTER_WIDE)


@dataclass(frozen=True)
class Served:
    plural: str
    namespaced: bool


class Discovery:
    """Asks a group and version once; a kind that is missing is asked for again each time, its definition may just have come."""

    def __init__(self, get: Callable[[str], Any]) -> None:
        self._get = get
        self._known: dict[tuple[str, str], Mapping[str, Served]] = {}
        self._planned: dict[tuple[str, str], bool] = {}
        self._lock = threading.Lock()

    def find(self, kind: Kind) -> Served:
        """Raises NoSuchKind."""
        key = (kind.group, kind.version)
        with self._lock:
            known = self._known.get(key)
        if known is None or kind.kind not in known:
            known = self._ask(kind)
            with self._lock:
                self._known[key] = known
        if kind.kind not in known:
            raise self._missing(kind)
        return known[kind.kind]

    def plan(self, definition: Object) -> None:
        """Remembers the scope of a kind whose definition the program is about to create."""
        spec = definition.get("spec")
        if not isinstance(spec, dict) or not isinstance(spec.get("names"), dict):
            return
        name, scope = spec["names"].get("kind"), spec.get("scope")
        if isinstance(name, str) and isinstance(spec.get("group"), str) and isinstance(scope, str):
            with self._lock:
                self._planned[(spec["group"], name)] = scope == "Namespaced"

    def namespaced(self, kind: Kind) -> bool:
        """A kind that nobody knows yet is taken for namespaced, as most custom kinds are; `create` corrects that."""
        try:
            return self.find(kind).namespaced
        except (NoSuchKind, Unreachable):
            with self._lock:
                return self._planned.get((kind.group, kind.kind), namespaced_by_rule(kind))

    def forget(self) -> None:
        """After a definition came or went."""
        with self._lock:
            self._known.clear()

    def _ask(self, kind: Kind) -> Mapping[str, Served]:
        path = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
        try:
            answer = self._get(path)
        except ApiError as problem:
            if problem.not_found:
                raise self._missing(kind) from None
            raise
        return {
            entry["kind"]: Served(entry["name"], bool(entry["namespaced"]))
            for entry in answer.get("resources") or []
            if "/" not in entry["name"]
        }

    @staticmethod
    def _missing(kind: Kind) -> NoSuchKind:
        return NoSuchKind(
            f"the API server does not know kind {kind.kind} of {kind.api_version}; make sure its CustomResourceDefinition "
            "is created first (depends_on), and that apiVersion and kind are spelled right"
        )
