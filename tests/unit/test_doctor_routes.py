"""What `lab doctor` says of the routes in a cluster, by a kubectl that answers as it is told."""

import json
from pathlib import Path
from typing import Any

import pytest

from lab.doctor import routes
from lab.doctor.cluster import Kubectl
from lab.doctor.finding import Finding, Status
from tests.unit.doctor_fixtures import findings, program

_TRUE = {"Accepted": ("True", "Accepted"), "ResolvedRefs": ("True", "ResolvedRefs")}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "lab"))
    return tmp_path


def _check(project: Path, **lists: list[dict[str, Any]]) -> list[Finding]:
    """Every list that is not given is an error, as one of a kind that is not defined is."""
    kinds = {"httproutes": "HTTPRouteList", "grpcroutes": "GRPCRouteList", "services": "ServiceList"}
    for name, items in lists.items():
        (project / f"answer-{name}").write_text(json.dumps({"kind": kinds[name], "items": items}))
    body = f'for last; do :; done; test -f {project}/answer-"${{last##*/}}" || exit 1; cat {project}/answer-"${{last##*/}}"'
    program(project / "lab" / "bin", "kubectl", body)
    return findings(routes.check(Kubectl(project / "kubeconfig", None)))


def _service(name: str) -> dict[str, Any]:
    return {"metadata": {"namespace": "faces", "name": name}}


def _route(name: str, parent: str, *backends: str, **said: tuple[str, str]) -> dict[str, Any]:
    conditions = [{"type": kind, "status": status, "reason": reason} for kind, (status, reason) in said.items()]
    status = {"parents": [{"controllerName": "linkerd.io/policy-controller", "conditions": conditions}]}
    return {
        "metadata": {"namespace": "faces", "name": name},
        "spec": {
            "parentRefs": [{"group": "", "kind": "Service", "name": parent}],
            "rules": [{"backendRefs": [{"group": "", "kind": "Service", "name": backend} for backend in backends]}],
        },
        "status": status if said else {},
    }


def test_routes_that_linkerd_has_accepted_are_well(project: Path) -> None:
    accepted = [_route("smiley-route", "smiley", "smiley2", **_TRUE), _route("smiley-edge", "smiley", **_TRUE)]
    (found,) = _check(project, httproutes=accepted, services=[_service("smiley"), _service("smiley2")])
    assert (found.status, found.check) == (Status.OK, "cluster.routes")
    assert "2 routes, all accepted" in found.cause


def test_a_service_that_vanished_is_told_by_its_name_and_its_route_s(project: Path) -> None:
    lost = _route("smiley-route", "smiley", "smiley2", **{**_TRUE, "ResolvedRefs": ("False", "BackendNotFound")})
    parent = _route("color-edge", "color", **{**_TRUE, "Accepted": ("False", "NoMatchingParent")})
    first, second = _check(project, httproutes=[lost], grpcroutes=[parent], services=[_service("smiley")])
    assert (first.status, first.subject) == (Status.FAILED, "route faces/smiley-route")
    assert first.cause == "Service smiley2, to which it sends requests, is not there"
    assert "take it out of routes in the stack file" in first.next
    assert (second.subject, second.cause) == (
        "route faces/color-edge",
        "Service color, whose requests it is about, is not there",
    )


def test_another_reason_is_linkerd_s_own_and_silence_is_a_warning(project: Path) -> None:
    conflict = _route("http", "smiley", **{**_TRUE, "Accepted": ("False", "RouteReasonConflicted")})
    first, second = _check(project, httproutes=[conflict, _route("new", "smiley")], services=[_service("smiley")])
    assert "Accepted is False: RouteReasonConflicted" in first.cause
    assert "get httproute/http -o yaml -n faces" in first.next
    assert (second.status, second.subject) == (Status.WARNING, "route faces/new")


def test_where_there_are_no_routes_or_nobody_answers_nothing_is_said(project: Path) -> None:
    assert _check(project) == []
    assert _check(project, httproutes=[], services=[_service("smiley")]) == []
    gateway = _route("theirs", "gateway")
    gateway["spec"]["parentRefs"] = [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "gateway"}]
    assert _check(project, httproutes=[gateway]) == []
