"""Emojivoto, Emissary and the namespaces' default beside Faces: they come up, change where they are told to, and leave.

The tests of this file run in order on one lab.
"""

import json
from typing import Any

import pytest

from tests.twin.conftest import Lab

pytestmark = pytest.mark.twin

ROUTES = 103
IN_CLUSTER = {"face", "faces-gui", "smiley2", "color2"}
ON_EDGE = {"smiley", "color"}
NAMESPACES = {"faces-namespace": "update", "emojivoto-namespace": "update"}
EMOJIVOTO = {f"emojivoto-{part}": "update" for part in ("emoji", "voting", "web", "vote-bot")}
DEFAULT = "config.linkerd.io/default-inbound-policy"


@pytest.fixture(scope="module")
def untouched(lab: Lab) -> set[str]:
    """What the cluster held before Pulumi ran for the first time."""
    return lab.objects()


def _default(lab: Lab, value: str | None) -> None:
    policy = {"default-inbound": value} if value else {}
    lab.configure(lambda config: config.update({"mesh-expansion:policy": policy}))


def _fresh(operation: str) -> dict[str, str]:
    return {f"faces-fresh-{part}": operation for part in IN_CLUSTER | ON_EDGE}


def _get(lab: Lab, *what: str) -> Any:
    return json.loads(lab.kubectl("get", *what, "-o", "json"))


def _pods(lab: Lab, namespace: str) -> dict[str, str]:
    """Running pods, each with what its owner is called: a Deployment's pods made anew have other names."""
    pods = _get(lab, "pods", "-n", namespace)["items"]
    return {
        pod["metadata"]["name"]: pod["metadata"]["name"].rsplit("-", 2)[0]
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
    }


def _annotation(lab: Lab, namespace: str) -> str | None:
    annotations: dict[str, str] = _get(lab, "namespace", namespace)["metadata"]["annotations"]
    return annotations.get(DEFAULT)


def test_they_come_up_beside_faces(lab: Lab, untouched: set[str]) -> None:
    lab.configure(lambda config: config.update({"mesh-expansion:emojivoto": {}, "mesh-expansion:emissary": {}}))
    _default(lab, "audit")
    lab("up")
    made = lab.objects() - untouched
    for expected in (
        "Deployment emojivoto/vote-bot",
        "Service emojivoto/web-svc",
        "GRPCRoute emojivoto/vote-doughnut-route",
        "Deployment emissary/emissary",
        "Service emissary/emissary",
        "Listener emissary/http-listener",
        "Host emissary/wildcard-host",
        "Mapping faces/gui-mapping",
    ):
        assert expected in made
    assert len([name for name in made if name.startswith("GRPCRoute emojivoto/")]) == ROUTES
    for route in _get(lab, "grpcroutes", "-n", "emojivoto")["items"]:
        ((parent,), name) = route["status"]["parents"], route["metadata"]["name"]
        assert {item["type"]: item["status"] for item in parent["conditions"]}["Accepted"] == "True", name
    assert _get(lab, "service", "faces-gui", "-n", "faces")["spec"]["type"] == "ClusterIP"
    assert [_annotation(lab, namespace) for namespace in ("faces", "emojivoto", "emissary")] == ["audit", "audit", None]
    assert set(_pods(lab, "faces").values()) == IN_CLUSTER, "parts on the edge have no pods, whoever is made anew"


def test_a_second_up_changes_nothing_and_finds_no_drift(lab: Lab) -> None:
    lab.shell("pulumi up -s twin --yes --refresh --expect-no-changes")


def test_another_default_changes_the_namespaces_and_makes_their_pods_anew_and_nothing_else(lab: Lab) -> None:
    before = {namespace: _pods(lab, namespace) for namespace in ("faces", "emojivoto", "emissary")}
    _default(lab, "deny")
    assert lab.preview() == NAMESPACES | EMOJIVOTO | _fresh("update")
    lab.shell("pulumi up -s twin --yes")
    after = {namespace: _pods(lab, namespace) for namespace in before}
    assert [_annotation(lab, namespace) for namespace in before] == ["deny", "deny", None]
    for namespace in ("faces", "emojivoto"):
        assert set(after[namespace].values()) == set(before[namespace].values())
        assert not after[namespace].keys() & before[namespace].keys()
    assert after["emissary"] == before["emissary"]


def test_without_the_keys_pods_are_made_anew_once_more_and_routes_go_without_what_they_are_about(lab: Lab) -> None:
    before = {namespace: _pods(lab, namespace) for namespace in ("faces", "emojivoto")}
    _default(lab, None)
    lab.configure(lambda config: config.update({"mesh-expansion:emojivoto": {"routes": False}}))
    changes = lab.preview()
    routes = {name: operation for name, operation in changes.items() if name.startswith("emojivoto-routes")}
    assert len(routes) == ROUTES + 1
    assert set(routes.values()) == {"delete"}
    assert changes == NAMESPACES | EMOJIVOTO | _fresh("delete") | {"faces-fresh": "delete"} | routes
    lab.shell("pulumi up -s twin --yes")
    lab.kubectl("rollout", "status", "deployments", "-n", "faces", "--timeout=60s")
    after = {namespace: _pods(lab, namespace) for namespace in before}
    assert [_annotation(lab, namespace) for namespace in before] == [None, None]
    for namespace, pods in after.items():
        assert set(pods.values()) == set(before[namespace].values())
        assert not pods.keys() & before[namespace].keys()
    assert _get(lab, "grpcroutes", "-n", "emojivoto")["items"] == []
    assert lab.preview() == {}


def test_destroy_leaves_nothing(lab: Lab, untouched: set[str]) -> None:
    lab.shell("pulumi destroy -s twin --yes")
    assert lab.objects() == untouched
