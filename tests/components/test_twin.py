"""What the twin's composition declares, and in which order."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

import stacks
from settings import load
from tests.components.conftest import Declare, Recording
from tests.conftest import Issue

WORKLOADS = [
    {"name": "smiley", "addresses": ["192.0.2.11"]},
    {"name": "color", "addresses": ["192.0.2.12", "2001:db8::2"]},
]
FACES = {"on-edge": ["smiley", "color"], "second": ["smiley2"]}
ROUTES = [{"name": "smiley-route", "service": "smiley", "backends": {"smiley": 80, "smiley2": 20}}]


@pytest.fixture
def twin(declare: Declare, tmp_path: Path) -> Any:
    (tmp_path / "kubeconfig").touch()

    def twin(**keys: Any) -> Recording:
        values = {"cluster": {"kubeconfig": "kubeconfig"}, "workloads": WORKLOADS, "faces": FACES, "routes": ROUTES}
        values |= {name.replace("_", "-"): value for name, value in keys.items()}
        raw = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
        settings = load({"lab": "twin", **raw}, {"trust-issuer-key"}, source="test", project=tmp_path)
        return declare(lambda: stacks.compose(settings))

    return twin


def test_every_component_is_complete_and_every_child_has_its_component(twin: Any) -> None:
    recording = twin()
    components = {name for name, resource in recording.resources.items() if resource.type.startswith("mesh:")}
    declared = {
        "cluster",
        "trust",
        "gateway-api",
        "linkerd",
        "faces",
        "faces-smiley2",
        "edge",
        "faces-off",
        "smiley-route",
    }
    assert components == declared
    assert components <= recording.completed
    for resource in recording.resources.values():
        if resource.name not in components | {"mesh-expansion-twin"}:
            assert resource.parent in components, resource.name


def _trust(recording: Recording) -> tuple[list[x509.Certificate], x509.Certificate]:
    """The anchors and the issuer that the control plane is given."""
    values = recording.resources["linkerd-control-plane"].inputs["values"]
    anchors = x509.load_pem_x509_certificates(values["identityTrustAnchorsPEM"].encode())
    return anchors, x509.load_pem_x509_certificate(values["identity"]["issuer"]["tls"]["crtPEM"].encode())


def _path_length(certificate: x509.Certificate) -> int | None:
    return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length


def _name(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string().removeprefix("CN=")


def test_the_control_plane_trusts_the_anchor_and_signs_with_the_issuer(twin: Any) -> None:
    recording = twin()
    (anchor,), issuer = _trust(recording)
    issuer.verify_directly_issued_by(anchor)
    key = load_pem_private_key(
        recording.resources["linkerd-control-plane"].inputs["values"]["identity"]["issuer"]["tls"]["keyPEM"].encode(),
        None,
    )
    assert key.public_key() == issuer.public_key()


def test_the_anchor_has_no_path_length_and_the_issuer_signs_leaves_only(twin: Any) -> None:
    recording = twin()
    (anchor,), issuer = _trust(recording)
    assert _path_length(anchor) is None
    assert _path_length(issuer) == 0
    for name in ("trust-root-1-certificate", "trust-issuer-1-certificate"):
        inputs = recording.resources[name].inputs
        assert inputs["isCaCertificate"] is True
        assert inputs["setSubjectKeyId"] is True
        assert "maxPathLength" not in inputs
    keys = recording.of_type("tls:index/privateKey:PrivateKey")
    assert {(key.inputs["algorithm"], key.inputs["ecdsaCurve"]) for key in keys} == {("ECDSA", "P256")}


def test_a_rotation_adds_an_anchor_before_the_old_one_goes(twin: Any) -> None:
    before, both, after = (
        twin(trust=trust)
        for trust in ({"roots": [1]}, {"roots": [1, 2]}, {"roots": [2], "issuing-root": 2, "issuer": 2})
    )
    assert set(before.resources) < set(both.resources)
    assert [_name(anchor) for anchor in _trust(both)[0]] == ["trust-root-1-certificate", "trust-root-2-certificate"]
    _trust(both)[1].verify_directly_issued_by(_trust(both)[0][0])
    assert [_name(anchor) for anchor in _trust(after)[0]] == ["trust-root-2-certificate"]
    assert _name(_trust(after)[1]) == "trust-issuer-2-certificate"
    _trust(after)[1].verify_directly_issued_by(_trust(after)[0][0])


def test_certificates_of_ones_own_replace_the_issued_ones(twin: Any, issue: Issue) -> None:
    anchor = issue("root", days=100)
    issuer = issue("issuer", by=anchor)
    recording = twin(trust={"own": {"anchors": anchor.pem, "issuer": issuer.pem}}, trust_issuer_key=issuer.key_pem)
    assert not [resource for resource in recording.resources.values() if resource.type.startswith("tls:")]
    release = recording.resources["linkerd-control-plane"]
    assert release.secret == {"values"}
    values = release.inputs["values"]
    assert values["identityTrustAnchorsPEM"] == anchor.pem
    assert values["identity"]["issuer"]["tls"]["keyPEM"] == issuer.key_pem


def test_definitions_come_before_what_is_defined_by_them(twin: Any) -> None:
    recording = twin()
    for name, needs in {
        "linkerd-crds": "gateway-api-definitions",
        "linkerd-control-plane": "linkerd-crds",
        "faces-chart": "linkerd-control-plane",
        "edge-smiley": "faces-chart",
        "faces-off-smiley": "edge-smiley",
        "smiley-route-httproute": "edge-smiley",
    }.items():
        assert needs in recording.resources[name].depends_on, name


def test_namespaces_do_not_wait_for_what_is_in_others(twin: Any) -> None:
    recording = twin()
    for name in ("linkerd-namespace", "faces-namespace"):
        assert not {found for found in recording.before(name) if "-" in found} - {
            "cluster-provider",
            "mesh-expansion-twin",
        }


def test_faces_lives_in_a_namespace_that_is_injected(twin: Any) -> None:
    metadata = twin().resources["faces-namespace"].inputs["metadata"]
    assert metadata == {"name": "faces", "annotations": {"linkerd.io/inject": "enabled"}}


@pytest.mark.parametrize("version", ["1.4.1", "2.0.0"])
def test_the_chart_keeps_the_services_of_parts_on_the_edge_and_their_deployments_are_scaled_to_zero(
    twin: Any, version: str
) -> None:
    recording = twin(faces={**FACES, "chart-version": version})
    values = recording.resources["faces-chart"].inputs["values"]
    assert "smiley" not in values and "color" not in values
    assert values["smiley2"] == {"enabled": True, "smiley": "HeartEyes"}
    patches = recording.of_type("kubernetes:apps/v1:DeploymentPatch")
    assert {patch.inputs["metadata"]["name"] for patch in patches} == {"smiley", "color"}
    assert all(patch.inputs["spec"]["replicas"] == 0 for patch in patches)
    assert not recording.of_type("kubernetes:core/v1:Service")


def test_pods_go_after_the_workload_is_ready_and_again_after_each_upgrade_of_the_release(twin: Any) -> None:
    recording = twin()
    patch = recording.resources["faces-off-smiley"]
    assert patch.inputs["metadata"]["annotations"]["mesh-expansion/of-release-revision"] == "1"
    assert {"faces-chart", "edge-smiley"} <= recording.resources["faces-off"].depends_on | patch.depends_on


def test_nothing_is_scaled_to_zero_whose_part_stays_in_the_cluster(twin: Any) -> None:
    recording = twin(faces={"second": ["smiley2"]})
    assert not recording.of_type("kubernetes:apps/v1:DeploymentPatch")


def test_a_workload_is_registered_with_its_identity_labels_and_addresses(twin: Any) -> None:
    color = twin(faces={**FACES, "chart-version": "2.0.0"}).resources["edge-color"].inputs
    assert color["apiVersion"] == "workload.linkerd.io/v1beta1"
    assert color["metadata"]["labels"] == {
        "app": "color", "service": "color", "workload_name": "color", "location": "vm",
        # By which the chart's Service selects it.
        "buoyant.io/application": "faces", "faces.buoyant.io/component-type": "backend",
        "faces.buoyant.io/component": "color",
    }  # fmt: skip
    assert color["spec"] == {
        "meshTLS": {"identity": "spiffe://root.linkerd.cluster.local/color", "serverName": "color.cluster.local"},
        "workloadIPs": [{"ip": "192.0.2.12"}, {"ip": "2001:db8::2"}],
        "ports": [{"port": 8000, "name": "http"}],
    }
    assert "status" not in color


def test_the_service_of_a_workload_selects_it_and_is_not_waited_for(twin: Any) -> None:
    clock = [{"name": "clock", "addresses": ["192.0.2.1"]}]
    service = twin(workloads=clock, faces={"second": ["smiley2"]}).resources["edge-clock-service"].inputs
    assert service["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert service["spec"]["selector"] == {"service": "clock"}
    assert service["spec"]["ports"][0]["targetPort"] == "http"


def test_several_machines_behind_one_service_share_it(twin: Any) -> None:
    machines = [{"name": name, "service": "clock", "addresses": [address]} for name, address in
                (("clock-a", "192.0.2.1"), ("clock-b", "192.0.2.2"))]  # fmt: skip
    recording = twin(workloads=machines, faces={"second": ["smiley2"]})
    assert [service.name for service in recording.of_type("kubernetes:core/v1:Service")] == ["edge-clock-service"]
    assert {"edge-clock-a", "edge-clock-b"} <= set(recording.resources)


def test_a_canary_shares_requests_out_by_weight(twin: Any) -> None:
    recording = twin()
    route = recording.resources["smiley-route-httproute"].inputs
    assert route["apiVersion"] == "gateway.networking.k8s.io/v1"
    assert route["spec"]["parentRefs"] == [{"group": "", "kind": "Service", "name": "smiley", "port": 80}]
    backends = route["spec"]["rules"][0]["backendRefs"]
    assert {backend["name"]: backend["weight"] for backend in backends} == {"smiley": 80, "smiley2": 20}
    assert recording.exports["routes"] == {"smiley-route": {"smiley": 0.8, "smiley2": 0.2}}


@pytest.mark.parametrize(
    ("mirror", "chart", "repository"),
    [
        (None, "linkerd-crds", {"repo": "https://helm.linkerd.io/edge"}),
        ("charts", "charts/linkerd-crds-2026.8.3.tgz", None),
        ("oci://mirror.example/charts", "oci://mirror.example/charts/linkerd-crds", None),
        ("https://mirror.example", "linkerd-crds", {"repo": "https://mirror.example"}),
    ],
)
def test_charts_come_from_their_official_place_or_from_the_mirror(
    twin: Any, mirror: str | None, chart: str, repository: dict[str, str] | None
) -> None:
    release = twin(mirrors={"charts": mirror}).resources["linkerd-crds"].inputs
    assert release["chart"] == chart
    assert release.get("repositoryOpts") == repository
