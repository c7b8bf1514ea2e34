"""What `lab picture --state` draws: what the engine has recorded, and how the workloads are."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lab.cli import application
from lab.picture.build import build
from lab.picture.from_state import StateError, from_state
from lab.picture.graph import Graph, Health
from tests.unit.comment_fixtures import kubernetes, route


def _object(token: str, name: str, inputs: Any, **outputs: Any) -> dict[str, Any]:
    return {
        "urn": f"urn:pulumi:twin::mesh-expansion::{token}::{name}",
        "type": token,
        "inputs": inputs,
        "outputs": {**inputs, **outputs},
    }


def _workload(name: str, status: str, reason: str = "", **annotations: str) -> dict[str, Any]:
    inputs = {
        "metadata": {"name": name, "labels": {"service": name}, "annotations": annotations},
        "spec": {
            "meshTLS": {"identity": f"spiffe://root.linkerd.cluster.local/{name}"},
            "workloadIPs": [{"ip": "192.168.1.21"}],
            "ports": [{"port": 8000}],
        },
    }
    conditions = [{"type": "Ready", "status": status, "reason": reason}] if status else []
    token = "kubernetes:workload.linkerd.io/v1beta1:ExternalWorkload"
    return _object(token, f"edge-{name}", inputs, status={"conditions": conditions})


_RULE = {"identities": ["face.faces.serviceaccount.identity.linkerd.cluster.local"]}
_GRANT = {
    "targetRef": {"kind": "HTTPRoute", "name": "edge-smiley"},
    "requiredAuthenticationRefs": [{"kind": "MeshTLSAuthentication", "name": "known"}],
}
_READY = {**_GRANT, "targetRef": {"kind": "HTTPRoute", "name": "edge-ready"}}
_RESOURCES = [
    {"urn": "urn:pulumi:twin::mesh-expansion::pulumi:pulumi:Stack::s", "type": "pulumi:pulumi:Stack"},
    _object("mesh:cluster:ExistingCluster", "cluster", {}),
    _object("tls:index/selfSignedCert:SelfSignedCert", "trust-root-2-certificate", {}),
    _object("kubernetes:helm.sh/v3:Release", "linkerd", {"name": "linkerd-control-plane", "version": "2026.8.3"}),
    _object(
        "kubernetes:helm.sh/v3:Release", "faces", {"name": "faces", "values": {"smiley2": {"enabled": True}, "gui": {}}}
    ),
    _object("mesh:edge:EdgeDevice", "smiley-device", {}),
    _object("mesh:edge:EdgeContainer", "color-docker", {}),
    _workload("smiley", "True"),
    _workload("color", "False", "NoAnswer", **{"mesh-expansion/probe": "grpc"}),
    _workload("other", ""),
    _object(*route({"smiley": 80, "smiley2": 20})),
    _object(*kubernetes("Server", "edge-smiley", {"accessPolicy": "deny"})),
    _object(*kubernetes("MeshTLSAuthentication", "known", _RULE)),
    _object(*kubernetes("AuthorizationPolicy", "known-smiley", _GRANT)),
    _object(*kubernetes("AuthorizationPolicy", "edge-ready", _READY)),
    {**_workload("leaving", "True"), "delete": True},
]
_EXPORT = {"version": 3, "deployment": {"resources": _RESOURCES}}


def _graph(**live: tuple[Health, str]) -> Graph:
    return build(from_state(_EXPORT, "twin", live or None))


def test_machines_stand_where_the_lab_has_made_them_and_say_how_they_are() -> None:
    nodes = _graph().by_key
    found = {
        name: (nodes[f"machine/{name}"].kind, nodes[f"machine/{name}"].lines) for name in ("smiley", "color", "other")
    }
    assert found == {
        "smiley": ("device", ("✓ ready",)),
        "color": ("container", ("grpc on port 8000", "✗ not ready: NoAnswer")),
        "other": ("registered", ()),
    }
    assert nodes["machine/color"].health is Health.FAILING
    assert "machine/leaving" not in nodes


def test_what_the_cluster_says_now_comes_before_what_was_recorded() -> None:
    nodes = _graph(smiley=(Health.FAILING, "ConnectionRefused")).by_key
    assert nodes["machine/smiley"].lines == ("✗ not ready: ConnectionRefused",)
    assert nodes["machine/color"].health is Health.FAILING


def test_routes_rules_anchors_and_charts_are_read_from_the_state() -> None:
    graph = _graph()
    arrows = {(edge.source, edge.target): edge.label for edge in graph.edges}
    assert arrows["route/smiley-route", "service/faces/smiley2"] == "20 %"
    assert arrows["access/known", "service/faces/smiley"] == ""
    assert graph.by_key["access/known"].lines == ("access for", "service account face")
    assert "anchor/trust anchor 2" in graph.by_key
    assert graph.by_key["plane/linkerd-control-plane"].lines == ("chart 2026.8.3",)
    assert "access rules are enforced" in next(place.lines for place in graph.places if place.key == "outside")


@pytest.mark.parametrize("document", [{}, {"deployment": None}, {"deployment": {"resources": {}}}])
def test_what_is_no_export_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(StateError, match="pulumi stack export"):
        from_state(document, "twin")


def test_odd_values_in_a_state_are_drawn_without_a_crash() -> None:
    odd = [_object(item["type"], "odd", {"metadata": None, "spec": 3}, status=[]) for item in _RESOURCES]
    build(from_state({"deployment": {"resources": [*odd, None, {"type": None}]}}, "twin"))


def test_a_file_of_an_export_is_drawn_and_one_that_is_none_is_an_error(tmp_path: Path) -> None:
    export = tmp_path / "export.json"
    export.write_text(json.dumps(_EXPORT))
    result = CliRunner().invoke(application, ["picture", "--state", "--export", str(export)])
    assert result.exit_code == 0
    assert "✗ not ready: NoAnswer" in result.output
    export.write_text("no json")
    assert CliRunner().invoke(application, ["picture", "--state", "--export", str(export)]).exit_code == 1
