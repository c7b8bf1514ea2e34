"""Stack files that fit, one for each lab, with the project that they need; tests change them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncssh

from settings import Settings, load
from settings.load import NAMESPACE

_PUBLIC = " ".join(asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().split()[:2])
_ROUTE = {"name": "smiley-route", "service": "smiley", "backends": {"smiley": 80, "smiley2": 20}}
_BY_PATH = {
    "name": "smiley-edge",
    "service": "smiley",
    "path": "/edge",
    "method": "GET",
    "retry": {"http": "5xx,429", "limit": 3, "timeout": "200ms"},
    "timeout": {"request": "1s", "response": "500ms", "idle": "10s"},
}
_FACES = {"on-edge": ["smiley", "color"], "second": ["smiley2"], "gui-service-type": "NodePort", "error-fraction": 20}
_MESH: dict[str, Any] = {
    "trust": {"roots": [1, 2], "issuing-root": 2, "issuer": 3, "root-days": 3650, "issuer-days": 365},
    "linkerd": {"version": "edge-26.8.3"},
    "gateway-api": {"version": "1.2.1", "manifest": "gateway-api.yaml"},
    "mirrors": {"charts": "charts", "images": {"docker.io": "harbor.example.com/hub"}},
    "faces": _FACES,
    "routes": [_ROUTE, _BY_PATH],
    "services": [{"name": "face", "retry": {"http": "gateway-error"}, "timeout": {"request": "2s"}}],
    "spire": {"device": 2, "device-days": 365, "server-port": 30081, "server-address": "spire.example.com"},
}
_DEVICES: dict[str, Any] = {
    "ssh": {"user": "pi", "port": 22, "private-key-file": "id", "known-hosts": "known_hosts"},
    "edge": {"artefacts": "parts", "dns-port": 30000, "route-services": True, "ready-path": "/", "ready-seconds": 60},
    "workloads": [
        {
            "name": "smiley",
            "addresses": ["192.168.1.21"],
            "device": {"architecture": "arm64", "gpio": ["/dev/gpiochip0"]},
        },
        {
            "name": "color-1",
            "service": "color",
            "addresses": ["192.168.1.22", "2001:db8::22"],
            "port": 8000,
            "device": {"host": "pi-2.local", "port": 22, "user": "pi", "host-key": _PUBLIC},
            "environment": {"COLOR": "green"},
        },
    ],
}
_POLICY: dict[str, Any] = {
    "mode": "audit",
    "access": [
        {
            "name": "face-calls-edge",
            "from": {"service-accounts": ["face"], "workloads": ["smiley"], "networks": ["192.0.2.0/24"]},
            "to": ["smiley", "color"],
        },
        {"name": "all-call-face", "from": {"meshed": True}, "to": ["face"]},
    ],
    "default-inbound": "audit",
}
VALID: Mapping[str, Mapping[str, Any]] = {
    "twin": {
        **_MESH,
        **_DEVICES,
        "cluster": {"kubeconfig": "kubeconfig", "context": "twin", "adopt-existing": True, "pod-cidr": "10.42.0.0/16"},
    },
    "k3d-lab": {
        **_MESH,
        "cluster": {
            "name": "mesh-exp",
            "network": "mesh-exp",
            "subnet": "172.30.0.0/24",
            "http-port": 8080,
            "agents": 1,
        },
        "docker": {"dns-address": "172.30.0.40", "base": "debian:bookworm-slim"},
        "policy": _POLICY,
        "workloads": [
            {"name": "smiley", "addresses": ["172.30.0.41"], "container": {"hostname": "smiley-docker-ext1"}},
            {"name": "color", "addresses": ["172.30.0.42"], "container": {}},
        ],
    },
    "pi-lab": {
        **_MESH,
        **_DEVICES,
        "cluster": {"host": "pi-0.local", "user": "pi", "enable-cgroups": True, "service-cidr": "10.43.0.0/16"},
    },
    "dual-stack": {
        **_MESH,
        "cluster": {
            "name": "sma-dual",
            "pod-cidrs": ["fd00:10:1::/64", "10.10.1.0/24"],
            "load-balancer-addresses": ["fc00:f853:ccd:e793:10::/96", "172.18.255.0/28"],
        },
        "emojivoto": {"version": "v11", "routes": False, "web-service-type": "LoadBalancer"},
        "emissary": {"version": "4.1.0", "service-type": "LoadBalancer"},
        "workloads": [
            {"name": "smiley", "addresses": ["192.0.2.1", "2001:db8::1"]},
            {"name": "color", "addresses": ["192.0.2.2"], "port": 8000},
        ],
    },
}


def make_project(directory: Path) -> Path:
    """The directory, with every file that the stack files name."""
    for name in ("kubeconfig", "id", "gateway-api.yaml", "parts/linkerd2-proxy", "parts/spire-agent"):
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).touch()
    hosts = "".join(f"{host} {_PUBLIC}\n" for host in ("192.168.1.21", "pi-0.local"))
    (directory / "known_hosts").write_text(hosts)
    return directory


def stored(config: Mapping[str, Any]) -> tuple[dict[str, str], set[str]]:
    """A stack file's keys without the namespace, as the engine hands them over, and which of them are encrypted."""
    encrypted = {key for key, value in config.items() if isinstance(value, dict) and set(value) == {"secure"}}
    values = {key: "a secret" if key in encrypted else value for key, value in config.items()}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}, encrypted


def load_lab(of: str, project: Path, **changed: Any) -> Settings:
    """The lab's stack file with some keys changed; None takes a key out."""
    config = {"lab": of, **VALID[of], **{name.replace("_", "-"): value for name, value in changed.items()}}
    raw, encrypted = stored({key: value for key, value in config.items() if value is not None})
    return load(raw, encrypted, source=f"stacks/Pulumi.{of}.yaml", project=project)


def document(config: Mapping[str, Any]) -> dict[str, Any]:
    """The stack file that says so."""
    return {"config": {f"{NAMESPACE}:{key}": value for key, value in config.items()}}
