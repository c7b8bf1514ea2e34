"""SPIRE as the program declares it: its authorities, its charts, the way in for devices, one entry a workload."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Literal

import pulumi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from components.chart import ChartSource
from components.spire import Spire, SpireArgs
from components.spire_entry import StaticEntry
from components.spire_trust import OwnUpstream, spire_material
from components.trust import IssuedTrust, IssuedTrustArgs, TrustMaterial
from domain.workloads import Workload
from tests.components.conftest import Declare, Recording
from tests.conftest import Issue

SMILEY = Workload(name="smiley", service="smiley", addresses=(ip_address("192.0.2.11"),))


@dataclass(frozen=True)
class Plan:
    topology: Literal["server", "bundled"] = "server"
    upstream: int = 1
    upstream_days: int = 90
    device_ca: int = 1
    device_ca_days: int = 3650


def _trust() -> TrustMaterial:
    return IssuedTrust(
        "trust", IssuedTrustArgs(roots=[1, 2], issuing_root=2, issuer=1, root_days=3650, issuer_days=365)
    ).material


def _program(plan: Plan, devices: int) -> dict[str, Any]:
    trust = _trust()
    material = spire_material(plan, trust, None)
    spire = Spire("spire", SpireArgs(material=material, charts=ChartSource(), devices=devices))
    StaticEntry("smiley-entry", SMILEY, pulumi.ResourceOptions(depends_on=[spire]))
    return {"anchors": trust.anchors_pem, "device_key": material.device_ca_key_pem, "ends": material.expiry}


@pytest.fixture
def declared(declare: Declare) -> Any:
    return lambda plan=Plan(), devices=2: declare(lambda: _program(plan, devices))


def _secret(recording: Recording) -> dict[str, Any]:
    found: dict[str, Any] = recording.resources["spire-upstream-ca"].inputs["stringData"]
    return found


def test_the_upstream_authority_is_signed_by_the_issuing_root_and_may_have_one_authority_below(declared: Any) -> None:
    recording = declared()
    upstream = x509.load_pem_x509_certificate(_secret(recording)["tls.crt"].encode())
    old, issuing = x509.load_pem_x509_certificates(_secret(recording)["bundle.crt"].encode())
    upstream.verify_directly_issued_by(issuing)
    assert old.subject != issuing.subject
    inputs = recording.resources["spire-trust-upstream-1-certificate"].inputs
    assert (inputs["maxPathLength"], inputs["isCaCertificate"], inputs["validityPeriodHours"]) == (1, True, 90 * 24)


def test_the_upstream_key_goes_into_a_secret_and_into_nothing_else(declared: Any) -> None:
    recording = declared()
    key = _secret(recording)["tls.key"]
    upstream = x509.load_pem_x509_certificate(_secret(recording)["tls.crt"].encode())
    assert load_pem_private_key(key.encode(), None).public_key() == upstream.public_key()
    assert "stringData" in recording.resources["spire-upstream-ca"].secret
    for resource in recording.resources.values():
        if resource.name != "spire-upstream-ca" and not resource.type.startswith("tls:"):
            assert key not in str(resource.inputs), resource.name


def test_devices_prove_themselves_against_an_authority_of_their_own(declared: Any) -> None:
    recording = declared()
    device = x509.load_pem_x509_certificate(recording.resources["spire-device-ca"].inputs["data"]["ca.crt"].encode())
    device.verify_directly_issued_by(device)
    assert recording.exports["device_key"] not in str([found.inputs for found in recording.of_type(_CONFIG)])
    assert recording.exports["ends"].keys() == {"spire-upstream", "devices"}


_CONFIG = "kubernetes:core/v1:ConfigMap"


def test_a_generation_is_part_of_a_name(declared: Any) -> None:
    before, after = declared(), declared(Plan(upstream=2, device_ca=3))
    gone = set(before.resources) - set(after.resources)
    assert gone == {
        *(f"spire-trust-upstream-1-{part}" for part in ("key", "request", "certificate")),
        *(f"spire-trust-devices-1-{part}" for part in ("key", "certificate")),
    }


def test_a_new_device_authority_restarts_the_server(declared: Any) -> None:
    marks = {str(_values(declared())["podAnnotations"]) for _ in range(2)}
    assert len(marks) == 2


def _values(recording: Recording) -> dict[str, Any]:
    values: dict[str, Any] = recording.resources["spire-server"].inputs["values"]["spire-server"]
    return values


def test_one_brings_the_upstream_authority_along_with_a_trust_of_ones_own(declare: Declare, issue: Issue) -> None:
    root = issue("root")
    upstream = issue("upstream", by=root)

    def program(own: OwnUpstream | None) -> dict[str, Any]:
        text = pulumi.Output.from_input(root.pem)
        trust = TrustMaterial(
            anchors_pem=text, issuer_certificate_pem=text, issuer_key_pem=text, expiry=pulumi.Output.from_input({})
        )
        material = spire_material(Plan(), trust, own)
        return {"certificate": material.upstream_certificate_pem, "ends": material.expiry}

    brought = OwnUpstream(certificate_pem=upstream.pem, key_pem=upstream.key_pem)
    recording = declare(lambda: program(brought))
    assert recording.exports["certificate"] == upstream.pem
    assert recording.exports["ends"]["spire-upstream"] == upstream.certificate.not_valid_after_utc.isoformat()
    assert "spire-trust-upstream-1-certificate" not in recording.resources
    with pytest.raises(ValueError, match="must be brought along"):
        declare(lambda: program(None))


def test_definitions_keys_and_the_devices_authority_come_before_the_server(declared: Any) -> None:
    recording = declared()
    assert {"spire-crds", "spire-upstream-ca", "spire-device-ca"} <= recording.resources["spire-server"].depends_on
    assert {"spire", "spire-trust"} <= recording.completed
    assert recording.resources["smiley-entry"].depends_on >= {"spire-server"}


def test_the_definitions_are_not_kept(declared: Any) -> None:
    """The null that takes the chart's annotation away is lost on its way to this recorder, not to a plugin."""
    release = declared().resources["spire-crds"].inputs
    assert release["allowNullValues"] is True
    assert release["values"]["annotations"] == {"mesh-expansion/part-of": "spire"}


def test_devices_reach_the_server_on_every_node(declared: Any) -> None:
    service = declared().resources["spire-node-port"].inputs
    assert service["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert service["spec"]["type"] == "NodePort"
    assert service["spec"]["ports"] == [
        {"name": "grpc", "port": 8081, "protocol": "TCP", "targetPort": "grpc", "nodePort": 30081}
    ]


@pytest.mark.parametrize(("devices", "limited"), [(1, True), (30, True), (31, False), (1000, False)])
def test_a_large_lab_may_come_back_all_at_once(declared: Any, devices: int, limited: bool) -> None:
    assert _values(declared(devices=devices))["rateLimit"]["attestation"] is limited


def test_a_workload_has_one_entry_below_the_agent_of_its_device(declared: Any) -> None:
    entry = declared().resources["smiley-entry"]
    assert entry.type == "kubernetes:spire.spiffe.io/v1alpha1:ClusterStaticEntry"
    assert entry.inputs["metadata"] == {
        "name": "mesh-expansion-smiley",
        "annotations": {"pulumi.com/waitFor": "jsonpath={.status.rendered}=true"},
    }
    assert entry.inputs["spec"] == {
        "className": "mesh-expansion",
        "parentID": "spiffe://root.linkerd.cluster.local/spire/agent/device/smiley",
        "spiffeID": "spiffe://root.linkerd.cluster.local/smiley",
        "selectors": ["unix:uid:2102", "unix:path:/opt/mesh-expansion/bin/linkerd2-proxy"],
    }
