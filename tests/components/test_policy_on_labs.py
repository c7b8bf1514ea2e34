"""The policy pack has nothing to say about what the labs declare, and would if one of them went astray."""

import json
from pathlib import Path
from typing import Any

import asyncssh
import pytest

import stacks
from policy.rules import RESOURCE_RULES, STACK_RULES
from policy.rules.plain_secret import RULE as PLAIN_SECRET
from policy.rules.resource import Resource, Secret
from settings import load
from tests.components.conftest import Declare, Recording

ROOT = Path(__file__).parents[2]


def _violations(recording: Recording) -> list[str]:
    seen = [
        Resource(
            type=item.type,
            name=item.name,
            urn=item.name,
            inputs={key: Secret(value) if key in item.secret else value for key, value in item.inputs.items()},
        )
        for item in recording.resources.values()
    ]
    # What a plugin computes is no secret to the recording engine: whether secrets are marked is asked of the real one.
    rules = [rule for rule in RESOURCE_RULES if rule is not PLAIN_SECRET]
    each = [f"{rule.name}: {item.name}: {text}" for rule in rules for item in seen for text in rule.check(item)]
    return each + [f"{rule.name}: {found.urn}: {found.message}" for rule in STACK_RULES for found in rule.check(seen)]


@pytest.fixture
def lab(declare: Declare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A lab with two devices; keyword arguments are further keys of the stack file, `also` declares more."""
    monkeypatch.chdir(tmp_path)
    Path("kubeconfig").write_text("{}")
    Path("id").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nvery private\n-----END OPENSSH PRIVATE KEY-----\n")
    Path("parts").mkdir()
    for name in ("linkerd2-proxy", "spire-agent", "spire-server"):
        Path("parts", name).write_bytes(name.encode())
    public = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    Path("known_hosts").write_text("".join(f"192.168.1.{number} {public}" for number in (21, 22)))

    def lab(also: Any = None, **keys: Any) -> Recording:
        values = {
            "cluster": {"kubeconfig": "kubeconfig"},
            "faces": {"on-edge": ["smiley", "color"], "second": ["smiley2"]},
            "ssh": {"private-key-file": "id", "known-hosts": "known_hosts"},
            "edge": {"artefacts": "parts"},
            "workloads": [
                {"name": "smiley", "addresses": ["192.168.1.21"], "device": {}},
                {"name": "color", "addresses": ["192.168.1.22"], "device": {}},
            ],
            "routes": [{"name": "smiley-route", "service": "smiley", "backends": {"smiley": 80, "smiley2": 20}}],
            **keys,
        }
        raw = {"lab": "twin"} | {key: json.dumps(value) for key, value in values.items()}
        settings = load(raw, set(), source="test", project=tmp_path)

        async def program() -> dict[str, Any]:
            outputs = await stacks.compose(settings)
            if also:
                also()
            return outputs

        return declare(program)

    return lab


ACCESS = [{"name": "edge", "from": {"service-accounts": ["face"]}, "to": ["smiley", "color"]}]


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"spire": {"topology": "bundled"}},
        {"policy": {"mode": "enforce", "access": ACCESS}},
        {"emojivoto": {}, "emissary": {}, "policy": {"mode": "audit", "access": []}},
    ],
    ids=["server", "bundled", "rules", "more apps"],
)
def test_a_lab_with_devices_breaks_no_rule(lab: Any, keys: dict[str, Any]) -> None:
    recording = lab(**keys)
    assert "smiley-device-parts" in recording.resources
    assert "\n".join(_violations(recording)) == ""


def test_a_lifetime_beyond_the_bounds_is_stopped(lab: Any) -> None:
    (violation,) = _violations(lab(spire={"device-ca-days": 4000}))
    assert violation.startswith("certificate-lifetime: spire-trust-devices-1-certificate: it would live 4000 days")


def test_a_device_that_got_the_roots_key_is_stopped(lab: Any) -> None:
    def leak() -> None:
        import pulumi_command as command  # noqa: PLC0415
        import pulumi_tls as tls  # noqa: PLC0415

        key = tls.PrivateKey("leaked", algorithm="ECDSA", ecdsa_curve="P256")
        tls.SelfSignedCert(
            "leaky",
            private_key_pem=key.private_key_pem,
            is_ca_certificate=True,
            validity_period_hours=24,
            allowed_uses=["cert_signing"],
        )
        command.remote.Command(
            "leak",
            connection={"host": "192.168.1.21", "host_key": "ssh-ed25519 AAAA"},
            stdin=key.private_key_pem,
        )

    (violation,) = _violations(lab(leak))
    assert violation.startswith("no-root-key-outside-trust: leak: stdin holds the key of the trust anchor leaky")
