"""What the cluster has for machines outside: DNS, and the prober with no more rights than it needs."""

from typing import Any

import pytest

from components.dns import ClusterDns, ClusterDnsArgs
from components.edge.prober import Prober, ProberArgs
from tests.components.conftest import Declare, Recording


@pytest.fixture
def declared(declare: Declare) -> Any:
    def program(anchors: str, path: str) -> dict[str, Any]:
        ClusterDns("dns", ClusterDnsArgs())
        Prober("prober", ProberArgs(trust_anchors_pem=anchors, namespaces=["faces", "more"], ready_path=path))
        return {}

    return lambda anchors="ANCHORS", path="/ready": declare(lambda: program(anchors, path))


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
