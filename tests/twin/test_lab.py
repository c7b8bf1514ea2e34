"""The main job: one command brings the lab up, the second changes nothing, destroy leaves nothing.

The tests of this file run in order on one lab, as a newcomer would.
"""

import base64
import json
import re
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

from tests.conftest import Issue
from tests.twin import other_program
from tests.twin.conftest import Lab

pytestmark = pytest.mark.twin


@pytest.fixture(scope="module")
def untouched(lab: Lab) -> set[str]:
    """What the cluster held before Pulumi ran for the first time."""
    return lab.objects()


def test_preview_works_on_an_empty_cluster_and_changes_nothing(lab: Lab, untouched: set[str]) -> None:
    run = lab("preview")
    assert "smiley-route" in run.text
    assert "Policy Packs run:" in run.text
    assert not any("CustomResourceDefinition" in name for name in untouched)
    assert lab.objects() == untouched


def test_up_brings_the_mesh_up_and_ends_with_a_status(lab: Lab, untouched: set[str]) -> None:
    text = lab("up").text
    made = lab.objects() - untouched
    for expected in (
        "CustomResourceDefinition /httproutes.gateway.networking.k8s.io",
        "CustomResourceDefinition /externalworkloads.workload.linkerd.io",
        "Deployment linkerd/linkerd-destination",
        "Deployment faces/smiley2",
        "ExternalWorkload faces/smiley",
        "Service faces/smiley",
        "HTTPRoute faces/smiley-route",
    ):
        assert expected in made
    assert _replicas(lab, "smiley") == _replicas(lab, "color") == 0
    assert _replicas(lab, "smiley2") == 1
    assert _conditions(lab, "smiley-route") == {"Accepted": "True Accepted", "ResolvedRefs": "True ResolvedRefs"}
    for line in (
        r"364 days +issuer +until \d{4}-\d\d-\d\d",
        r"Accepted +smiley-route +80% smiley, 20% smiley2",
        "spiffe://root.linkerd.cluster.local/smiley",
        "Next:",
    ):
        assert re.search(line, text), text


def test_beside_the_state_lies_nothing_that_a_kill_can_leave_half_written(lab: Lab) -> None:
    stacks = lab.home / "state" / ".pulumi" / "stacks"
    assert {file.name for file in stacks.rglob("*") if file.is_file()} <= {"twin.json", "twin.json.bak"}


def test_a_second_up_changes_nothing(lab: Lab) -> None:
    before = lab.kubectl("get", "externalworkloads,httproutes,deployments,services,secrets", "-A", "-o", "json")
    lab.shell("pulumi up -s twin --yes --expect-no-changes")
    after = lab.kubectl("get", "externalworkloads,httproutes,deployments,services,secrets", "-A", "-o", "json")
    assert _versions(after) == _versions(before)
    assert "unchanged" in lab("up").text


def test_refresh_finds_no_drift(lab: Lab) -> None:
    lab.shell("pulumi refresh -s twin --yes --expect-no-changes")
    assert lab.preview() == {}


def test_another_program_may_use_the_components_on_the_same_cluster(lab: Lab) -> None:
    found = other_program.previewed(lab)
    assert found["shop-till"]["spec"]["workloadIPs"] == [{"ip": "198.51.100.77"}]
    assert found["shop-till"]["spec"]["meshTLS"]["identity"] == "spiffe://root.linkerd.cluster.local/till"
    assert found["shop-till-service"]["spec"]["selector"] == {"service": "till"}
    rule = found["till-route-httproute"]["spec"]["rules"][0]
    assert {backend["name"]: backend["weight"] for backend in rule["backendRefs"]} == {"till": 80, "smiley2": 20}
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/pay"}}]


def test_the_certificates_form_a_chain_that_openssl_and_cryptography_accept(lab: Lab, tmp_path: Path) -> None:
    secret = json.loads(lab.kubectl("get", "secret", "-n", "linkerd", "linkerd-identity-issuer", "-o", "json"))["data"]
    roots = json.loads(lab.kubectl("get", "configmap", "-n", "linkerd", "linkerd-identity-trust-roots", "-o", "json"))
    anchor_pem = roots["data"]["ca-bundle.crt"]
    issuer_pem = base64.b64decode(secret["crt.pem"]).decode()
    (tmp_path / "anchor.pem").write_text(anchor_pem)
    (tmp_path / "issuer.pem").write_text(issuer_pem)
    verified = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-CAfile", "anchor.pem", "issuer.pem"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert verified.stdout.strip() == "issuer.pem: OK", verified.stderr

    anchor = x509.load_pem_x509_certificate(anchor_pem.encode())
    issuer = x509.load_pem_x509_certificate(issuer_pem.encode())
    issuer.verify_directly_issued_by(anchor)
    assert _path_length(anchor) is None
    assert _path_length(issuer) == 0
    assert _lifetime(anchor) == timedelta(days=3650)
    assert _lifetime(issuer) == timedelta(days=365)
    subject_key = anchor.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    authority_key = issuer.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert authority_key == subject_key
    for certificate in (anchor, issuer):
        key = certificate.public_key()
        assert isinstance(key, EllipticCurvePublicKey)
        assert isinstance(key.curve, SECP256R1)


def test_no_private_key_stands_in_state_or_logs(lab: Lab) -> None:
    secret = json.loads(lab.kubectl("get", "secret", "-n", "linkerd", "linkerd-identity-issuer", "-o", "json"))["data"]
    body = base64.b64decode(secret["key.pem"]).decode().splitlines()[1]
    passphrase = (lab.home / "passphrase").read_text()
    # From -v=9 on the engine itself writes every value that it sends to a plugin: docs/how-to/certificates.md says so.
    verbose = lab.shell("pulumi preview -s twin --diff --logtostderr -v=8 2>&1").text
    assert "linkerd-identity-issuer" in verbose or "linkerd-control-plane" in verbose
    searched = {str(file): file.read_bytes() for file in _text_files(lab)} | {"verbose preview": verbose.encode()}
    assert any("stacks/mesh-expansion/twin.json" in name for name in searched)
    for name, content in searched.items():
        for text in ("PRIVATE KEY", body, base64.b64encode(body.encode()).decode()[:60], passphrase):
            assert text.encode() not in content, f"{name} holds {text[:12]}..."
    assert (lab.home / "passphrase").stat().st_mode & 0o077 == 0


def test_changing_a_weight_touches_one_resource(lab: Lab) -> None:
    def change(config: dict[str, Any]) -> None:
        config["mesh-expansion:routes"][0]["backends"] = {"smiley": 50, "smiley2": 50}

    lab.configure(change)
    preview = "pulumi preview --json -s twin > preview.json 2>/dev/null"
    comment = lab.shell(f"{preview}; .venv/bin/python -m lab comment preview.json").text
    assert "### Preview of `twin`: 1 updated, " in comment
    assert "~ smiley-route-httproute  (updated, HTTPRoute)" in comment
    assert "route smiley-route: smiley 80 % → 50 %, smiley2 20 % → 50 % of the requests to smiley" in comment
    assert "50% smiley, 50% smiley2" in lab("up").text
    assert lab("picture", "--state").text.count('|"50 %"|') == 2
    route = json.loads(lab.kubectl("get", "httproute", "-n", "faces", "smiley-route", "-o", "json"))
    assert [backend["weight"] for backend in route["spec"]["rules"][0]["backendRefs"]] == [50, 50]


def test_routes_by_path_and_limits_of_a_service_come_and_go_and_leave_nothing_behind(lab: Lab) -> None:
    def ask(config: dict[str, Any]) -> None:
        edge = {"name": "smiley-edge", "service": "smiley", "path": "/edge", "backends": {"smiley2": 1}}
        retry = {"retry": {"http": "5xx", "limit": 3}, "timeout": {"request": "300ms"}}
        config["mesh-expansion:routes"] += [
            {**edge, **retry},
            {"name": "color-edge", "service": "color", "path": "/Colors"},
        ]
        config["mesh-expansion:services"] = [{"name": "color", "timeout": {"request": "300ms"}}]

    def read(kind: str, name: str) -> dict[str, str]:
        found = json.loads(lab.kubectl("get", kind, "-n", "faces", name, "-o", "json"))["metadata"]
        return {key: value for key, value in found.get("annotations", {}).items() if not key.startswith("meta.helm.sh")}

    original, before = lab.stack_file.read_text(), read("service", "color")
    lab.configure(ask)
    lab.shell("pulumi up -s twin --yes")
    assert read("service", "color")["timeout.linkerd.io/request"] == "300ms"
    assert read("httproute", "smiley-edge")["retry.linkerd.io/http"] == "5xx"
    for name in ("smiley-edge", "grpcroute/color-edge"):
        assert _conditions(lab, name)["Accepted"] == "True Accepted", name
    lab.shell("pulumi refresh -s twin --yes --expect-no-changes")
    assert lab.preview() == {}
    lab.stack_file.write_text(original)
    lab.shell("pulumi up -s twin --yes")
    assert read("service", "color") == before
    assert lab.kubectl("get", "httproutes,grpcroutes", "-n", "faces", "-o", "name").split() == [
        "httproute.gateway.networking.k8s.io/smiley-route"
    ]


def test_a_part_comes_back_from_the_edge_and_goes_there_again_with_one_up_each(lab: Lab) -> None:
    def take_back(config: dict[str, Any]) -> None:
        config["mesh-expansion:faces"]["on-edge"] = ["smiley"]
        config["mesh-expansion:workloads"] = config["mesh-expansion:workloads"][:1]

    original = lab.stack_file.read_text()
    service = lab.kubectl("get", "service", "-n", "faces", "color", "-o", "jsonpath={.metadata.uid}")
    lab.configure(take_back)
    lab.shell("pulumi up -s twin --yes")
    assert lab.kubectl("get", "externalworkloads", "-n", "faces", "-o", "name").split() == [
        "externalworkload.workload.linkerd.io/smiley"
    ]
    assert _replicas(lab, "color") == 1
    lab.kubectl("wait", "--for=condition=Available", "deployment/color", "-n", "faces", "--timeout=30s")

    lab.stack_file.write_text(original)
    lab.shell("pulumi up -s twin --yes")
    assert _replicas(lab, "color") == 0
    labels = json.loads(lab.kubectl("get", "externalworkload", "-n", "faces", "color", "-o", "json"))["metadata"][
        "labels"
    ]
    found = json.loads(lab.kubectl("get", "service", "-n", "faces", "color", "-o", "json"))
    assert found["spec"]["selector"].items() <= labels.items(), "the chart's own Service selects it"
    assert found["metadata"]["uid"] == service, "it was there all the time"
    assert lab.preview() == {}


def test_a_rotation_begins_with_one_more_anchor_and_nothing_less(lab: Lab) -> None:
    original = lab.stack_file.read_text()
    try:
        lab.configure(lambda config: config.update({"mesh-expansion:trust": {"roots": [1, 2]}}))
        changes = lab.preview()
    finally:
        lab.stack_file.write_text(original)
    assert changes == {
        "trust-root-2-key": "create",
        "trust-root-2-certificate": "create",
        "linkerd-control-plane": "update",
    }


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("mesh-expansion:truts", {}, "mesh-expansion:truts: no such key"),
        ("mesh-expansion:trust", {"issuer-days": "ten"}, 'mesh-expansion:trust.issuer-days: "ten"'),
        ("mesh-expansion:trust", {"root-days": 10, "issuer-days": 20}, "20 days, while a trust anchor lives 10 days"),
        ("mesh-expansion:linkerd", {"version": "edge-24.1.1"}, "mesh-expansion:linkerd.version: edge-24.1.1"),
        ("mesh-expansion:linkerd", {"version": "edge-25.11.2"}, "use edge-25.11.3 or later"),
        ("mesh-expansion:gateway-api", {"version": "1.9.0"}, "mesh-expansion:gateway-api.version: 1.9.0"),
        ("mesh-expansion:trust-issuer-key", "plain", "a secret in plain text"),
    ],
)
def test_bad_input_is_one_clear_error_in_preview(lab: Lab, key: str, value: object, message: str) -> None:
    original = lab.stack_file.read_text()
    try:
        lab.configure(lambda config: config.update({key: value}))
        run = lab.shell("pulumi preview -s twin", ok=False)
    finally:
        lab.stack_file.write_text(original)
    assert run.status != 0
    assert message in run.text
    assert "fix:" in run.text
    assert "nothing was changed" in run.text
    assert "Traceback" not in run.text
    assert run.text.count(message) == 1, run.text


def test_definitions_that_cannot_be_fetched_are_told_without_a_traceback(lab: Lab) -> None:
    original = lab.stack_file.read_text()
    nowhere = "https://127.0.0.1:1/standard-install.yaml"
    try:
        lab.configure(lambda config: config.update({"mesh-expansion:gateway-api": {"manifest": nowhere}}))
        run = lab.shell("pulumi preview -s twin", ok=False)
    finally:
        lab.stack_file.write_text(original)
    assert run.status != 0
    assert nowhere in run.text
    assert "Traceback" not in run.text, run.text


def test_certificates_of_ones_own_take_the_place_of_issued_ones(lab: Lab, issue: Issue) -> None:
    anchor = issue("our root", days=90)
    issuer = issue("our issuer", by=anchor, days=30)
    own = {"own": {"anchors": anchor.pem, "issuer": issuer.pem}}
    lab.configure(lambda config: config.update({"mesh-expansion:trust": own}))

    def key(pem: str) -> None:
        (lab.directory / "issuer.key").write_text(pem)
        lab.shell("pulumi config set -s twin --secret trust-issuer-key < issuer.key")
        (lab.directory / "issuer.key").unlink()

    key(issue("another").key_pem)
    refused = lab.shell("pulumi preview -s twin", ok=False)
    assert refused.status != 0
    assert "mesh-expansion:trust-issuer-key: the key is not the one of trust.own.issuer" in refused.text
    assert "bring the certificate and the key that were made together" in refused.text

    key(issuer.key_pem)
    text = lab("up").text
    assert re.search(r"8\d days +anchor-1 +until \d{4}-", text), text
    roots = json.loads(lab.kubectl("get", "configmap", "-n", "linkerd", "linkerd-identity-trust-roots", "-o", "json"))
    assert roots["data"]["ca-bundle.crt"].strip() == anchor.pem.strip()
    state = (lab.home / "state" / ".pulumi" / "stacks" / "mesh-expansion" / "twin.json").read_text()
    assert "tls:index" not in state
    for text in (issuer.key_pem.splitlines()[1], "PRIVATE KEY"):
        assert text not in state
        assert text not in lab.stack_file.read_text()


def test_a_route_to_a_service_that_vanished_is_told_by_name(lab: Lab) -> None:
    def change(config: dict[str, Any]) -> None:
        config["mesh-expansion:routes"][0]["backends"] = {"smiley": 10, "smiley2": 90}
        config.setdefault("mesh-expansion:edge", {})["ready-seconds"] = 5

    lab.configure(change)
    lab.kubectl("delete", "service", "-n", "faces", "smiley2")
    lab.kubectl(
        "wait", "--for=jsonpath={.status.parents[0].conditions[1].reason}=BackendNotFound", "--timeout=30s", "-n", "faces",
        "httproute/smiley-route",
    )  # fmt: skip
    run = lab.shell("pulumi up -s twin --yes", ok=False)
    assert run.status != 0
    assert "smiley-route-httproute" in run.text
    assert "ResolvedRefs" in run.text
    doctor = lab("doctor", ok=False)
    assert doctor.status == 1
    assert "Service smiley2, to which it sends requests, is not there" in " ".join(doctor.text.split())


def test_destroy_empties_the_stack_and_the_cluster(lab: Lab, untouched: set[str]) -> None:
    lab.shell("pulumi destroy -s twin --yes")
    export = json.loads(lab.shell("pulumi stack export -s twin").text)
    resources = export["deployment"].get("resources", [])
    assert [resource["urn"] for resource in resources if resource["type"] != "pulumi:pulumi:Stack"] == []
    assert lab.objects() == untouched


def test_down_leaves_no_process_and_no_data(lab: Lab) -> None:
    lab("down")
    assert not (lab.home / "twin").exists()
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(lab.home) not in running
    lab("down")
    assert [lab(command, ok=False).status for command in ("status", "verify", "doctor")] == [1, 1, 0]
    assert lab("up", "--stack", "twinn", ok=False).status == 2


def _conditions(lab: Lab, route: str) -> dict[str, str]:
    """What Linkerd says of a route: status and reason of each condition."""
    name = route if "/" in route else f"httproute/{route}"
    (parent,) = json.loads(lab.kubectl("get", "-n", "faces", name, "-o", "json"))["status"]["parents"]
    assert parent["controllerName"] == "linkerd.io/policy-controller"
    return {item["type"]: f"{item['status']} {item['reason']}" for item in parent["conditions"]}


def _replicas(lab: Lab, deployment: str) -> int:
    return int(lab.kubectl("get", "deployment", "-n", "faces", deployment, "-o", "jsonpath={.spec.replicas}"))


def _versions(objects: str) -> dict[str, str]:
    return {item["metadata"]["uid"]: item["metadata"]["resourceVersion"] for item in json.loads(objects)["items"]}


def _path_length(certificate: x509.Certificate) -> int | None:
    return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length


def _lifetime(certificate: x509.Certificate) -> timedelta:
    return certificate.not_valid_after_utc - certificate.not_valid_before_utc


def _text_files(lab: Lab) -> list[Path]:
    """State, its backups, and every log; not the cluster's own store, which holds the Secret by its purpose."""
    places = [lab.home / "state", lab.home / "pulumi"]
    logs = list((lab.home / "twin").rglob("*.log"))
    return [file for place in places for file in place.rglob("*") if file.is_file()] + logs
