"""`spire.topology: bundled` in a stack file: what cannot work is said before anything is touched."""

import json
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from cryptography import x509

from domain.signed_again import signed_again
from settings import InvalidSettings, Settings, load
from tests.conftest import Issue

BUNDLED = {"topology": "bundled"}


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A project with what a lab with a device needs."""
    (tmp_path / "kubeconfig").write_text("{}")
    (tmp_path / "id").write_text("a key")
    (tmp_path / "parts").mkdir()
    for name in ("linkerd2-proxy", "spire-agent", "spire-server"):
        (tmp_path / "parts" / name).touch()
    return tmp_path


def _load(lab: Path, *workloads: dict[str, Any], secret: dict[str, str] | None = None, **keys: Any) -> Settings:
    """Settings with the device smiley and these workloads; `secret` are encrypted keys."""
    host_key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    smiley = {"name": "smiley", "addresses": ["192.168.1.21"], "device": {"host-key": host_key}}
    values = {
        "cluster": {"kubeconfig": "kubeconfig"},
        "ssh": {"private-key-file": "id"},
        "edge": {"artefacts": "parts"},
        "spire": BUNDLED,
        "workloads": [smiley, *workloads],
        **keys,
    }
    raw = {"lab": "twin", **(secret or {})} | {key: json.dumps(value) for key, value in values.items()}
    return load(raw, set(secret or {}), source="stacks/Pulumi.twin.yaml", project=lab)


def _refused(lab: Path, *workloads: dict[str, Any], **keys: Any) -> str:
    with pytest.raises(InvalidSettings) as caught:
        _load(lab, *workloads, **keys)
    return str(caught.value)


def test_a_server_on_every_device_needs_its_program(lab: Path) -> None:
    (lab / "parts" / "spire-server").unlink()
    text = _refused(lab)
    assert "edge.artefacts: no spire-server in 'parts'" in text
    assert "linkerd2-proxy and spire-agent and spire-server" in text
    downloads = [
        {"name": name, "url": f"https://example.com/{name}", "sha256": "0" * 64}
        for name in ("linkerd2-proxy", "spire-agent", "spire-server")
    ]
    assert "edge.downloads names linkerd2-proxy, spire-agent" in _refused(lab, edge={"downloads": downloads[:2]})
    assert _load(lab, edge={"downloads": downloads}).spire.topology == "bundled"
    assert "edge.downloads names" in _refused(lab, edge={"downloads": downloads}, spire={})


def test_a_server_on_every_device_has_no_address_a_port_of_its_own_and_a_short_life(lab: Path) -> None:
    assert _load(lab).spire.intermediate_days == 30
    spire = {**BUNDLED, "server-address": "spire.example.com", "server-port": 8000, "intermediate-days": 3650}
    text = _refused(lab, spire=spire)
    assert "spire.server-address: 'spire.example.com', while spire.topology is bundled" in text
    assert "workloads[0].port: 8000, which is spire.server-port too" in text
    assert "spire.intermediate-days: 3650 days, while a trust anchor lives 3650 days" in text
    assert "spire.server-port: 4143, which belongs to the proxy" in _refused(
        lab, spire={**BUNDLED, "server-port": 4143}
    )
    assert "spire.topology" in _refused(lab, spire={"topology": "nested"})


def test_a_container_asks_the_cluster_s_server(lab: Path) -> None:
    container = {"name": "color", "addresses": ["172.30.0.22"], "container": {}}
    assert "workloads[1].container: a container, while spire.topology is bundled" in _refused(lab, container)


@pytest.mark.parametrize("length", [None, 2, 1, 0])
def test_an_authority_of_ones_own_may_have_two_below_it(lab: Path, issue: Issue, length: int | None) -> None:
    root = issue("root", days=100)
    issuer, upstream = issue("issuer", by=root), issue("upstream", by=root)
    pem = signed_again(upstream.pem, root.key_pem, x509.BasicConstraints(ca=True, path_length=length))
    keys: dict[str, Any] = {
        "trust": {"own": {"anchors": root.pem, "issuer": issuer.pem, "upstream": pem}},
        "secret": {"trust-issuer-key": issuer.key_pem, "trust-upstream-key": upstream.key_pem},
    }
    if length is None or length > 1:
        assert _load(lab, **keys).trust.own
    else:
        assert f"trust.own.upstream: an authority of path length {length}\n" in _refused(lab, **keys)
        assert _load(lab, spire={}, **keys).trust.own
