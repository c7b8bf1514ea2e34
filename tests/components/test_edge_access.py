"""What the cluster has for machines outside: DNS, policy, and the prober with no more rights than it needs."""

from typing import Any

import pytest

from components.dns import ClusterDns, ClusterDnsArgs
from components.edge.admission import Admission, AdmissionArgs
from components.edge.prober import Prober, ProberArgs
from tests.components.conftest import Declare, Recording


@pytest.fixture
def declared(declare: Declare) -> Any:
    def program(anchors: str, path: str, grpc: bool) -> dict[str, Any]:
        ClusterDns("dns", ClusterDnsArgs())
        outside = ["spiffe://root.linkerd.cluster.local/smiley", "spiffe://root.linkerd.cluster.local/color"]
        Admission("admission", AdmissionArgs(namespace="faces", spiffe_ids=outside, ready_path=path, grpc=grpc))
        Prober("prober", ProberArgs(trust_anchors_pem=anchors, namespaces=["faces", "more"], ready_path=path))
        return {}

    return lambda anchors="ANCHORS", path="/ready", grpc=False: declare(lambda: program(anchors, path, grpc))


def _objects(recording: Recording, kind: str) -> dict[str, Any]:
    return {
        found.inputs["metadata"]["name"]: found.inputs
        for found in recording.resources.values()
        if found.inputs.get("kind") == kind
    }


def test_dns_answers_over_udp_and_tcp_without_a_change_of_the_clusters_own(declared: Any) -> None:
    service = _objects(declared(), "Service")["mesh-expansion-dns"]
    assert service["metadata"]["namespace"] == "kube-system"
    assert service["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert {(port["protocol"], port["nodePort"], port["targetPort"]) for port in service["spec"]["ports"]} == {
        ("UDP", 30000, 53),
        ("TCP", 30000, 53),
    }
    assert service["spec"]["selector"] == {"k8s-app": "kube-dns"}


def test_workloads_outside_deny_what_no_policy_allows(declared: Any) -> None:
    (server,) = _objects(declared(), "Server").values()
    assert server["spec"] == {
        "externalWorkloadSelector": {"matchLabels": {"location": "vm"}},
        "port": "http",
        "proxyProtocol": "HTTP/1",
        "accessPolicy": "deny",
    }


def test_a_proxy_finds_out_what_is_spoken_where_a_workload_speaks_grpc(declared: Any) -> None:
    (server,) = _objects(declared(grpc=True), "Server").values()
    assert server["spec"]["proxyProtocol"] == "unknown"


def test_anybody_may_get_the_one_path_and_the_mesh_may_have_the_rest(declared: Any) -> None:
    recording = declared(path="/healthy")
    routes, policies = (_objects(recording, kind) for kind in ("HTTPRoute", "AuthorizationPolicy"))
    matches = {name: route["spec"]["rules"][0]["matches"] for name, route in routes.items()}
    assert matches == {
        "edge-ready": [
            {"method": method, "path": {"type": "Exact", "value": "/healthy"}} for method in ("GET", "HEAD")
        ],
        "edge-rest": [{"path": {"type": "PathPrefix", "value": "/"}}],
    }
    needed = {
        policy["spec"]["targetRef"]["name"]: policy["spec"]["requiredAuthenticationRefs"][0]
        for policy in policies.values()
    }
    assert {name: reference["kind"] for name, reference in needed.items()} == {
        "edge-ready": "NetworkAuthentication",
        "edge-rest": "MeshTLSAuthentication",
    }
    networks = _objects(recording, "NetworkAuthentication")[needed["edge-ready"]["name"]]["spec"]["networks"]
    assert networks == [{"cidr": "0.0.0.0/0"}, {"cidr": "::/0"}]
    # "*" is every identity that is a DNS name; one that is a URI has to be there in full.
    assert _objects(recording, "MeshTLSAuthentication")[needed["edge-rest"]["name"]]["spec"] == {
        "identities": ["*", "spiffe://root.linkerd.cluster.local/color", "spiffe://root.linkerd.cluster.local/smiley"]
    }
    assert {found["metadata"]["namespace"] for found in [*routes.values(), *policies.values()]} == {"faces"}


def test_the_prober_may_read_workloads_and_write_their_status_where_it_looks_and_nothing_else(declared: Any) -> None:
    recording = declared()
    roles = recording.of_type("kubernetes:rbac.authorization.k8s.io/v1:Role")
    assert sorted(role.inputs["metadata"]["namespace"] for role in roles) == ["faces", "more"]
    for role in roles:
        assert {(rule["apiGroups"][0], rule["resources"][0], *rule["verbs"]) for rule in role.inputs["rules"]} == {
            ("workload.linkerd.io", "externalworkloads", "get", "list", "watch"),
            ("workload.linkerd.io", "externalworkloads/status", "patch"),
        }
    assert not recording.of_type("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole")


def _container(recording: Recording) -> dict[str, Any]:
    found: dict[str, Any] = _template(recording)["spec"]["containers"][0]
    return found


def _template(recording: Recording) -> dict[str, Any]:
    found: dict[str, Any] = recording.resources["prober-deployment"].inputs["spec"]["template"]
    return found


def test_the_prober_runs_unprivileged_and_cannot_write(declared: Any) -> None:
    recording = declared()
    container = _container(recording)
    assert _template(recording)["spec"]["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert {"cpu", "memory"} == container["resources"]["requests"].keys()


def test_the_prober_is_told_where_to_look_and_has_its_whole_program(declared: Any) -> None:
    recording = declared(path="/healthy")
    told = {item["name"]: item["value"] for item in _container(recording)["env"]}
    assert told["PROBE_NAMESPACES"] == "faces,more"
    assert told["PROBE_PATH"] == "/healthy"
    assert {"__init__.py", "__main__.py", "workload.py"} <= recording.resources["prober-program"].inputs["data"].keys()
    assert recording.resources["prober-anchors"].inputs["data"] == {"trust-anchors.pem": "ANCHORS"}


def test_new_anchors_start_the_prober_anew(declared: Any) -> None:
    before, same, after = (
        _template(declared(anchors=text))["metadata"]["annotations"] for text in ("ONE", "ONE", "TWO")
    )
    assert before == same != after
