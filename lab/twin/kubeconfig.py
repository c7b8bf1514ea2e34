"""Kubeconfig files, with everything inside, so that one file is all that a client needs."""

import base64
from pathlib import Path

import yaml

from lab.twin.certificates import Pair
from lab.twin.files import write_private
from lab.twin.layout import NAME


def write_kubeconfig(
    path: Path, server: str, authority_pem: bytes, pair: Pair, context: str = NAME, user: str = NAME
) -> bool:
    """Write the file (0600) for the holder of `pair`; False when it is there already."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": context, "cluster": {"server": server, "certificate-authority-data": _text(authority_pem)}}
        ],
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": _text(pair.certificate_pem),
                    "client-key-data": _text(pair.key_pem),
                },
            }
        ],
        "contexts": [{"name": context, "context": {"cluster": context, "user": user}}],
        "current-context": context,
    }
    return write_private(path, yaml.safe_dump(content, sort_keys=False).encode())


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
