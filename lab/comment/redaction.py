"""Values without what nobody may read. The engine masks what it knows to be secret; a comment is public, so this looks again."""

import base64
import re
from collections.abc import Mapping
from typing import Any

from lab.comment.marked import LATER, SIGNATURE, file, is_unknown

MASK = "[secret]"
_KEY_WORDS = re.compile(r"(?i)passw|token|secret|private.?key|client-key-data|credential|passphrase")
# Keys of values that only say where a secret is.
_ABOUT = re.compile(r"(?i)secret_?(name|ref)$|ServiceAccountToken$|.*File$|.*-file$|.*Path$")
_PRIVATE = re.compile(r"PRIVATE KEY|BEGIN PGP|AGE-SECRET-KEY-")
_ENCRYPTED = re.compile(r"\bv1:[A-Za-z0-9+/]{8,}={0,2}:[A-Za-z0-9+/=]{8,}")
_LOGIN = re.compile(r"://[^/\s:@]+:[^/\s@]+@")
# A private key in base64 holds one of these three, as its place in the text may be.
_IN_BASE64 = [
    base64.b64encode(b" " * shift + b"PRIVATE KEY-").decode()[2 if shift else 0 :].rstrip("=")[:-2]
    for shift in range(3)
]


def clean(value: Any, key: str = "") -> Any:
    """The same value with masks; `key` is the name that it has where it comes from."""
    if isinstance(value, Mapping):
        if SIGNATURE in value:
            return MASK if _named(key) else file(value) or MASK
        return {clean(str(name)): clean(item, key if _named(key) else str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item, key) for item in value]
    if isinstance(value, str):
        if is_unknown(value):
            return LATER
        return MASK if value and (_named(key) or is_secret(value)) else value
    return value


def clean_object(kind: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs of a resource; of a Kubernetes Secret nothing that it holds."""
    found: dict[str, Any] = clean(inputs)
    if kind.startswith("kubernetes:") and kind.endswith(("/v1:Secret", "/v1:SecretPatch")):
        return {key: MASK if key in ("data", "stringData") else value for key, value in found.items()}
    return found


def _named(key: str) -> bool:
    return bool(_KEY_WORDS.search(key)) and not _ABOUT.search(key)


def is_secret(text: str) -> bool:
    """Whether a text holds a private key, in PEM or in base64, or what the engine has encrypted or marked."""
    return bool(
        _PRIVATE.search(text)
        or _ENCRYPTED.search(text)
        or _LOGIN.search(text)
        or SIGNATURE in text
        or any(part in text for part in _IN_BASE64)
    )


def message(text: str) -> str:
    """What was said, or a mask when a secret is in it: a key has many lines, so none of them is kept."""
    return MASK if is_secret(text) else text
