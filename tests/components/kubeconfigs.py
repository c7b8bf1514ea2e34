"""What a command that reads a k3s server's kubeconfig prints."""

import base64

import yaml

from tests.conftest import issuing

KEY = "the administrator's private key"


def k3s_kubeconfig(days: int = 365) -> str:
    """With a real certificate, which ends in so many days."""
    authority = issuing()("k3s-server-ca")
    admin = issuing()("system:admin", by=authority, days=days)
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "default",
                "cluster": {"server": "https://127.0.0.1:6443", "certificate-authority-data": _base64(authority.pem)},
            }
        ],
        "users": [
            {
                "name": "default",
                "user": {"client-certificate-data": _base64(admin.pem), "client-key-data": _base64(KEY)},
            }
        ],
        "contexts": [{"name": "default", "context": {"cluster": "default", "user": "default"}}],
        "current-context": "default",
    }
    return f"# cluster 6f0c\n{yaml.safe_dump(content)}"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
