"""Names for objects that the program leaves unnamed: `<resource name>-<8 hex digits>`, as the official plugin."""

import hashlib
import secrets

from lab.standins.base.values import UNKNOWN
from lab.standins.kubernetes.manifest import AUTONAMED, Object, annotate, annotated_true, metadata, name_of

SUFFIX_LENGTH = 8


def unique_name(prefix: str, seed: bytes) -> str:
    """With a seed the same name each time (the engine's seed is kept in update plans), else a random one."""
    digits = hashlib.sha256(seed).hexdigest() if seed else secrets.token_hex(SUFFIX_LENGTH)
    return f"{prefix}-{digits[:SUFFIX_LENGTH]}"


def is_named(obj: Object) -> bool:
    return bool(name_of(obj)) or metadata(obj).get("name") is UNKNOWN or obj.get("metadata") is UNKNOWN


def name_new(obj: Object, resource_name: str, seed: bytes) -> None:
    if is_named(obj):
        return
    obj.setdefault("metadata", {})["name"] = unique_name(resource_name, seed)
    annotate(obj, AUTONAMED, "true")


def adopt_name(obj: Object, old: Object) -> None:
    """An unnamed object keeps the name that was made for it before."""
    if is_named(obj) or not annotated_true(old, AUTONAMED):
        return
    obj.setdefault("metadata", {})["name"] = name_of(old)
    annotate(obj, AUTONAMED, "true")
