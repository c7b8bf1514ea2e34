"""What the stand-in reads from and writes into one Kubernetes object (a plain dict)."""

import base64
import binascii
import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lab.standins.base.values import UNKNOWN, has_unknown

Object = dict[str, Any]

AUTONAMED: Final = "pulumi.com/autonamed"
SKIP_AWAIT: Final = "pulumi.com/skipAwait"
WAIT_FOR: Final = "pulumi.com/waitFor"
TIMEOUT_SECONDS: Final = "pulumi.com/timeoutSeconds"
REPLACE_UNREADY: Final = "pulumi.com/replaceUnready"
PATCH_FORCE: Final = "pulumi.com/patchForce"
PATCH_FIELD_MANAGER: Final = "pulumi.com/patchFieldManager"
DELETION_PROPAGATION: Final = "pulumi.com/deletionPropagationPolicy"
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"

_SERVER_SET: Final = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)


@dataclass(frozen=True)
class Kind:
    """Group, version and kind; the group of Pod and its like is the empty string."""

    group: str
    version: str
    kind: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def __str__(self) -> str:
        return f"{self.api_version}/{self.kind}"


def kind_of(obj: Mapping[str, Any]) -> Kind:
    group, _, version = str(obj.get("apiVersion") or "").rpartition("/")
    return Kind("" if group == "core" else group, version, str(obj.get("kind") or ""))


def kind_of_type(token: str) -> Kind:
    """`kubernetes:apps/v1:Deployment` -> apps, v1, Deployment. Raises ValueError for another shape."""
    parts = token.split(":")
    if len(parts) != 3 or parts[1].count("/") != 1 or not parts[2]:  # package, group/version, kind
        raise ValueError(f"resource type {token!r} is not of the form kubernetes:<group>/<version>:<Kind>")
    group, version = parts[1].split("/")
    return Kind("" if group == "core" else group, version, parts[2])


def is_patch(token: str, kind: str) -> bool:
    """ServicePatch with kind Service is a patch; a custom kind that happens to end in Patch is not."""
    return token.rsplit(":", 1)[-1] == f"{kind}Patch"


def metadata(obj: Mapping[str, Any]) -> dict[str, Any]:
    found = obj.get("metadata")
    return found if isinstance(found, dict) else {}


def name_of(obj: Mapping[str, Any]) -> str:
    name = metadata(obj).get("name")
    return name if isinstance(name, str) else ""


def namespace_of(obj: Mapping[str, Any]) -> str:
    namespace = metadata(obj).get("namespace")
    return namespace if isinstance(namespace, str) else ""


def identity(obj: Mapping[str, Any]) -> str:
    """The resource id: `namespace/name`, or `name` for a cluster-wide object."""
    return f"{namespace_of(obj)}/{name_of(obj)}" if namespace_of(obj) else name_of(obj)


def parse_identity(identifier: str) -> tuple[str, str]:
    """(namespace or "", name)"""
    namespace, _, name = identifier.rpartition("/")
    return namespace, name


def annotation(obj: Mapping[str, Any], key: str) -> str:
    annotations = metadata(obj).get("annotations")
    value = annotations.get(key) if isinstance(annotations, dict) else None
    return value if isinstance(value, str) else ""


def annotated_true(obj: Mapping[str, Any], key: str) -> bool:
    return annotation(obj, key) == "true"


def annotate(obj: Object, key: str, value: str) -> None:
    """Nothing is written where metadata or annotations are not known yet."""
    if obj.get("metadata") is UNKNOWN:
        return
    meta = obj.setdefault("metadata", {})
    if meta.get("annotations") is UNKNOWN:
        return
    if not isinstance(meta.get("annotations"), dict):
        meta["annotations"] = {}
    meta["annotations"][key] = value


def is_known_kind(kind: Kind) -> bool:
    """Kinds that every API server has, as against custom resources."""
    return "." not in kind.group or kind.group in _BUILT_IN_GROUPS


_BUILT_IN_GROUPS: Final = frozenset(
    f"{head}.k8s.io"
    for head in (
        "admissionregistration",
        "apiextensions",
        "authentication",
        "authorization",
        "certificates",
        "coordination",
        "discovery",
        "events",
        "flowcontrol.apiserver",
        "networking",
        "node",
        "rbac.authorization",
        "scheduling",
        "storage",
    )
)


def is_definition(obj: Mapping[str, Any]) -> bool:
    kind = kind_of(obj)
    return kind.group == "apiextensions.k8s.io" and kind.kind == "CustomResourceDefinition"


def is_core(obj: Mapping[str, Any], kind: str) -> bool:
    return kind_of(obj) == Kind("", "v1", kind)


def normalized(obj: Mapping[str, Any]) -> Object:
    """One spelling for what the server treats as the same object, so that it makes no difference.

    Fields that only the server sets are left out; a Secret's stringData is written as data; base64 is re-encoded; a
    definition loses its status.
    """
    result = copy.deepcopy(dict(obj))
    meta = result.get("metadata")
    if isinstance(meta, dict):
        for key in _SERVER_SET:
            meta.pop(key, None)
    if is_core(result, "Secret"):
        _normalize_secret(result)
    if is_definition(result):
        result.pop("status", None)
        spec = result.get("spec")
        if isinstance(spec, dict) and spec.get("preserveUnknownFields") is False:
            del spec["preserveUnknownFields"]
    return result


def _normalize_secret(secret: Object) -> None:
    clear = secret.get("stringData")
    data = secret.get("data")
    if data is UNKNOWN or clear is UNKNOWN or has_unknown(clear) or has_unknown(data):
        return
    if isinstance(data, dict):
        secret["data"] = {key: _recoded(value) for key, value in data.items()}
    if isinstance(clear, dict) and clear and all(isinstance(value, str) for value in clear.values()):
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in clear.items()}
        secret["data"] = {**(secret.get("data") or {}), **encoded}
        del secret["stringData"]


def _recoded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return base64.b64encode(base64.b64decode(value, validate=False)).decode()
    except (binascii.Error, ValueError):
        return value  # the server says what is wrong with it


def pruned(live: Any, shape: Any) -> Any:
    """`live` cut down to the keys of `shape`; what the server or others added goes away."""
    if isinstance(live, dict) and isinstance(shape, dict):
        return {key: pruned(value, shape[key]) for key, value in live.items() if key in shape}
    if isinstance(live, list) and isinstance(shape, list):
        if live and shape and type(live[0]) is not type(shape[0]):
            return live
        return [pruned(mine, form) for mine, form in zip(live, shape, strict=False)]
    return live
