"""Kubeconfig files, with everything inside, so that one file is all that a client needs."""

import base64
from pathlib import Path

import yaml

from lab.twin.certificates import Pair
from lab.twin.files import write_private

NAME = "mesh-expansion-twin"


def write_kubeconfig(path: Path, server: str, authority_pem: bytes, pair: Pair) -> bool:
    """Write the file (0600) for the holder of `pair`; False when it is there already."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": NAME, "cluster": {"server": server, "certificate-authority-data": _text(authority_pem)}}],
        "users": [
            {
                "name": NAME,
                "user": {
                    "client-certificate-data": _text(pair.certificate_pem),
                    "client-key-data": _text(pair.key_pem),
                },
            }
        ],
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": NAME}}],
        "current-context": NAME,
    }
    return write_private(path, yaml.safe_dump(content, sort_keys=False).encode())


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
