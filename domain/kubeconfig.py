"""The administrator's kubeconfig of a k3s server, as other machines can use it."""

import base64
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import yaml
from cryptography import x509

_MARK = "# cluster "


def reached_at(text: str, host: str) -> str:
    """The kubeconfig with `host`, a name or an address, in the place of the loopback address; the same port.

    Raises ValueError for one whose server would not be checked, or that names no loopback address.
    """
    content = _content(text)
    for entry in content["clusters"]:
        cluster = entry["cluster"]
        if cluster.get("insecure-skip-tls-verify") or not cluster.get("certificate-authority-data"):
            raise ValueError(
                "kubeconfig: holds no authority to check the server by; expected certificate-authority-data"
            )
        server = urlsplit(cluster["server"])
        if server.scheme != "https" or server.hostname not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError(f"kubeconfig: leads to {cluster['server']}; expected https at a loopback address")
        cluster["server"] = f"https://{_bracketed(host)}:{server.port or 443}"
    return yaml.safe_dump(content, sort_keys=False)


def cluster_identity(text: str) -> str:
    """What names the cluster as long as its data lives, out of the first line. Raises ValueError when it is not there."""
    first = text.split("\n", 1)[0]
    if not first.startswith(_MARK) or not first.removeprefix(_MARK).strip():
        raise ValueError(f"kubeconfig: begins with {first[:40]!r}; expected the line '{_MARK}UID' before it")
    return first.removeprefix(_MARK).strip()


def certificate_end(text: str) -> datetime:
    """When the administrator's certificate ends, in UTC. Raises ValueError when there is none."""
    try:
        pem = base64.b64decode(_content(text)["users"][0]["user"]["client-certificate-data"])
    except (KeyError, IndexError) as missing:
        raise ValueError(
            "kubeconfig: has no client-certificate-data; expected the administrator's certificate"
        ) from missing
    return x509.load_pem_x509_certificate(pem).not_valid_after_utc


def _content(text: str) -> dict[str, Any]:
    content = yaml.safe_load(text)
    if not isinstance(content, dict) or content.get("kind") != "Config" or not content.get("clusters"):
        raise ValueError("kubeconfig: is none; expected a document of kind Config with a cluster")
    return content


def _bracketed(host: str) -> str:
    try:
        return f"[{host}]" if ip_address(host).version == 6 else host
    except ValueError:
        return host
