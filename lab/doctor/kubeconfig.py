"""A kubeconfig, as far as it can be judged without its cluster."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509


@dataclass(frozen=True, kw_only=True)
class Kubeconfig:
    """The context that is used: its server's URL, and when the client certificate ends, if it has one."""

    context: str
    server: str
    certificate_end: datetime | None


def read(file: Path, context: str | None) -> Kubeconfig:
    """The context of that name, or the current one. Raises ValueError with the cause."""
    try:
        document = yaml.safe_load(file.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{file} cannot be read: {error}") from None
    if not isinstance(document, dict):
        raise ValueError(f"{file} is no kubeconfig")  # noqa: TRY004 - a mistake in a file, not in a call
    contexts = _named(document, "contexts")
    chosen = context or document.get("current-context") or ""
    if chosen not in contexts:
        there = ", ".join(contexts) or "none"
        raise ValueError(f"{file} has no context {chosen!r}; there are: {there}")
    inner = contexts[chosen].get("context") or {}
    cluster = _named(document, "clusters").get(inner.get("cluster", ""), {}).get("cluster") or {}
    user = _named(document, "users").get(inner.get("user", ""), {}).get("user") or {}
    if not cluster.get("server"):
        raise ValueError(f"{file}: the context {chosen!r} names a cluster that is not in it")
    return Kubeconfig(context=chosen, server=str(cluster["server"]), certificate_end=_end(user))


def _named(document: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    listed = document.get(kind)
    return {
        str(item.get("name")): item for item in (listed if isinstance(listed, list) else []) if isinstance(item, dict)
    }


def _end(user: dict[str, Any]) -> datetime | None:
    text = user.get("client-certificate-data")
    if not isinstance(text, str):
        return None
    try:
        return x509.load_pem_x509_certificate(base64.b64decode(text)).not_valid_after_utc
    except (ValueError, binascii.Error):
        return None
