"""The administrator's kubeconfig of a k3s server, made fit for other machines."""

import base64
from typing import Any

import pytest
import yaml

from domain import kubeconfig
from tests.conftest import issuing

AUTHORITY = base64.b64encode(b"the authority").decode()


def _text(server: str = "https://127.0.0.1:6443", cluster: dict[str, Any] | None = None) -> str:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "default",
                "cluster": {"certificate-authority-data": AUTHORITY, "server": server, **(cluster or {})},
            }
        ],
        "contexts": [{"name": "default", "context": {"cluster": "default", "user": "default"}}],
        "current-context": "default",
        "users": [{"name": "default", "user": {"client-certificate-data": "", "client-key-data": "a key"}}],
    }
    return "# cluster 0b7a\n" + yaml.safe_dump(content)


@pytest.mark.parametrize(
    ("host", "server"),
    [
        ("192.0.2.10", "https://192.0.2.10:6443"),
        ("pi-0.local", "https://pi-0.local:6443"),
        ("2001:db8::10", "https://[2001:db8::10]:6443"),
    ],
)
@pytest.mark.parametrize("loopback", ["127.0.0.1", "[::1]", "localhost"])
def test_the_server_is_reached_at_the_machine_and_nothing_else_changes(host: str, server: str, loopback: str) -> None:
    before = yaml.safe_load(_text(f"https://{loopback}:6443"))
    after = yaml.safe_load(kubeconfig.reached_at(_text(f"https://{loopback}:6443"), host))
    assert after["clusters"][0]["cluster"]["server"] == server
    after["clusters"][0]["cluster"]["server"] = before["clusters"][0]["cluster"]["server"]
    assert after == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (_text(cluster={"insecure-skip-tls-verify": True}), "certificate-authority-data"),
        (_text(cluster={"certificate-authority-data": ""}), "certificate-authority-data"),
        (_text("https://192.0.2.99:6443"), "leads to https://192.0.2.99:6443"),
        (_text("http://127.0.0.1:6443"), "expected https"),
        ("kind: List\n", "kind Config"),
        ("", "kind Config"),
    ],
)
def test_a_kubeconfig_whose_server_is_not_checked_or_not_this_machine_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        kubeconfig.reached_at(text, "192.0.2.10")


def test_the_cluster_is_named_by_the_line_before_the_kubeconfig() -> None:
    assert kubeconfig.cluster_identity(_text()) == "0b7a"
    for text in ("", "apiVersion: v1\n", "# cluster \n"):
        with pytest.raises(ValueError, match="expected the line"):
            kubeconfig.cluster_identity(text)


def test_the_end_of_the_administrators_certificate_is_known() -> None:
    made = issuing()("admin", days=12)
    content = yaml.safe_load(_text())
    with pytest.raises(ValueError, match="certificate"):
        kubeconfig.certificate_end(yaml.safe_dump({**content, "users": [{"name": "default", "user": {"token": "t"}}]}))
    content["users"][0]["user"]["client-certificate-data"] = base64.b64encode(made.pem.encode()).decode()
    assert kubeconfig.certificate_end(yaml.safe_dump(content)) == made.certificate.not_valid_after_utc
