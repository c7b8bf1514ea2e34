"""What the program declares where every device has a SPIRE server of its own."""

import json
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from cryptography import x509

import stacks
from settings import load
from tests.components.conftest import Declare, Recording
from tests.conftest import Issue


@pytest.fixture
def lab(declare: Declare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A lab with the devices smiley and color; keyword arguments are keys of `spire`."""
    monkeypatch.chdir(tmp_path)
    for name in ("kubeconfig", "id"):
        Path(name).write_text("{}")
    Path("parts").mkdir()
    for name in ("linkerd2-proxy", "spire-agent", "spire-server"):
        Path("parts", name).write_bytes(name.encode())
    public = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    Path("known_hosts").write_text("".join(f"192.168.1.{number} {public}" for number in (21, 22)))

    def lab(more: dict[str, Any] | None = None, secret: dict[str, str] | None = None, **spire: Any) -> Recording:
        values = {
            "cluster": {"kubeconfig": "kubeconfig"},
            "ssh": {"private-key-file": "id", "known-hosts": "known_hosts"},
            "edge": {"artefacts": "parts"},
            "spire": {"topology": "bundled", **{name.replace("_", "-"): value for name, value in spire.items()}},
            "workloads": [
                {"name": "smiley", "addresses": ["192.168.1.21"], "device": {}},
                {"name": "color", "addresses": ["192.168.1.22"], "device": {}},
            ],
            **(more or {}),
        }
        raw = {"lab": "twin", **(secret or {})} | {key: json.dumps(value) for key, value in values.items()}
        settings = load(raw, set(secret or {}), source="test", project=tmp_path)
        return declare(lambda: stacks.compose(settings))

    return lab


def _sent(recording: Recording, name: str = "smiley") -> str:
    text: str = recording.resources[f"{name}-device-parts"].inputs["stdin"]
    return text


def _file(recording: Recording, path: str) -> str:
    """What a bundle says of a file."""
    body = _sent(recording).split(f" {path}\n", 1)[1]
    lines = []
    for line in body.splitlines():
        if not line.startswith("|"):
            break
        lines.append(line[1:])
    return "\n".join(lines)


def test_no_server_is_in_the_cluster_no_entry_and_no_authority_for_one(lab: Any) -> None:
    resources = lab().resources
    assert {name for name in resources if name.startswith("spire")} == {
        "spire-trust",
        "spire-trust-devices-1-key",
        "spire-trust-devices-1-certificate",
    }
    assert not [name for name in resources if name.endswith("-entry")]


def test_each_device_s_authority_is_signed_by_the_root_for_a_key_of_the_device(lab: Any) -> None:
    recording = lab()
    anchor = x509.load_pem_x509_certificate(recording.exports["trustAnchors"].encode())
    found = [x509.load_pem_x509_certificate(_file(recording, "/etc/mesh-expansion/intermediate.crt").encode())]
    found[0].verify_directly_issued_by(anchor)
    constraints = found[0].extensions.get_extension_for_class(x509.BasicConstraints).value
    assert constraints == x509.BasicConstraints(ca=True, path_length=1)
    asked = recording.starting_with("smiley-device-intermediate-1-").inputs["certRequestPem"]
    assert x509.load_pem_x509_csr(asked.encode()).public_key() == found[0].public_key()
    assert asked != recording.starting_with("smiley-device-certificate-1-").inputs["certRequestPem"]
    assert recording.starting_with("color-device-intermediate-1-").inputs["certRequestPem"] != asked


def test_the_state_holds_it_without_the_right_to_sign_and_it_is_short_lived(lab: Any) -> None:
    inputs = lab(intermediate_days=9).starting_with("smiley-device-intermediate-1-").inputs
    assert not inputs.get("isCaCertificate")
    assert "cert_signing" not in inputs["allowedUses"]
    assert (inputs["validityPeriodHours"], inputs["earlyRenewalHours"]) == (9 * 24, 3 * 24)
    assert lab().starting_with("smiley-device-intermediate-1-").inputs["validityPeriodHours"] == 30 * 24


def test_a_generation_of_its_own_renews_it(lab: Any) -> None:
    before, after = lab().resources, lab(intermediate=2).resources
    assert {name.rsplit("-", 1)[0] for name in before if name not in after} == {
        f"{name}-device-intermediate-1" for name in ("smiley", "color")
    }
    # The device is asked again, whose key may be another one by now.
    asked = [found["smiley-device-identity"].inputs["stdin"] for found in (before, after)]
    assert asked[0] != asked[1]


def test_no_key_of_any_authority_is_sent_and_what_is_sent_is_no_secret(lab: Any) -> None:
    recording = lab()
    keys = {
        line
        for resource in recording.of_type("tls:index/locallySignedCert:LocallySignedCert")
        for line in resource.inputs["caPrivateKeyPem"].splitlines()
        if not line.startswith("-----")
    }
    assert keys
    sent = [resource for resource in recording.resources.values() if resource.type.startswith("command:")]
    assert not [line for line in keys if any(line in str(resource.inputs) for resource in sent)]
    for resource in sent:
        assert resource.secret <= {"connection"}


def test_the_device_asks_itself_and_gets_the_server_s_program(lab: Any) -> None:
    recording = lab(server_port=30082)
    assert 'server_address = "127.0.0.1"' in _file(recording, "/etc/mesh-expansion/agent.conf")
    assert "bind_port = 30082" in _file(recording, "/etc/mesh-expansion/server.conf")
    assert "SERVER_PORT=30082" in recording.resources["smiley-device-identity"].inputs["stdin"]
    assert "smiley-device-spire-server" in recording.resources
    devices = recording.resources["spire-trust-devices-1-certificate"]
    assert devices.inputs["subject"]["commonName"].startswith("devices.")


def test_with_a_trust_of_ones_own_the_upstream_authority_signs_and_is_part_of_the_chain(lab: Any, issue: Issue) -> None:
    root = issue("root", days=100)
    issuer, upstream = issue("issuer", by=root), issue("upstream", by=root)
    own = {"anchors": root.pem, "issuer": issuer.pem, "upstream": upstream.pem}
    recording = lab(
        {"trust": {"own": own}}, {"trust-issuer-key": issuer.key_pem, "trust-upstream-key": upstream.key_pem}
    )
    chain = _file(recording, "/etc/mesh-expansion/intermediate.crt")
    first, second = x509.load_pem_x509_certificates(chain.encode())
    first.verify_directly_issued_by(second)
    assert second == upstream.certificate
