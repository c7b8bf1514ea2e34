"""What stands for the policy controller's status of routes: the conditions that the real one writes, and no needless write."""

from collections.abc import Mapping
from typing import Any

import pytest

from lab.twin.inside import controllers, route_status
from lab.twin.inside.route_status import CONTROLLER

_GATEWAY, _POLICY = "/apis/gateway.networking.k8s.io/v1", "/apis/policy.linkerd.io/v1beta3"
_SERVICE = {"group": "", "kind": "Service", "name": "smiley", "port": 80}


def _object(name: str, spec: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "faces", "name": name}, "spec": spec, **more}


def _route(name: str, *backends: str, parent: Mapping[str, Any] = _SERVICE, **more: Any) -> dict[str, Any]:
    references = [{"group": "", "kind": "Service", "name": backend, "port": 80, "weight": 1} for backend in backends]
    return _object(name, {"parentRefs": [parent], "rules": [{"backendRefs": references}]}, **more)


class Cluster:
    """An API server that has these lists, keeps what is written and counts it."""

    def __init__(self, **lists: list[dict[str, Any]]) -> None:
        self.lists = {
            f"{_GATEWAY}/httproutes": lists.get("http", []),
            f"{_GATEWAY}/grpcroutes": lists.get("grpc", []),
            f"{_POLICY}/httproutes": lists.get("policy", []),
            f"{_POLICY}/servers": lists.get("servers", []),
            "/api/v1/services": [
                _object(name, {"type": "ClusterIP", "clusterIP": "10.43.0.7"}) for name in ("smiley", "smiley2")
            ]
            + lists.get("services", []),
        }
        self.plane: dict[str, Any] | None = {"metadata": {}, "spec": {"replicas": 1}}
        self.written: list[str] = []

    def get(self, path: str) -> dict[str, Any] | None:
        if path == controllers.OWNER:
            return self.plane
        return {"items": self.lists[path]} if path in self.lists else None

    def merge(self, path: str, change: Mapping[str, Any]) -> None:
        place, _, manager = path.partition("/status?fieldManager=")
        assert manager == route_status.WRITER
        *group, _, namespace, kind, name = place.split("/")
        assert namespace == "faces"
        (found,) = [item for item in self.lists["/".join([*group, kind])] if item["metadata"]["name"] == name]
        found["status"] = change["status"]
        self.written.append(name)

    def turn(self) -> list[str]:
        """What one look at the cluster writes."""
        self.written = []
        route_status.write(self)  # type: ignore[arg-type]
        return self.written


def _conditions(route: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    (status,) = route["status"]["parents"]
    assert status["controllerName"] == CONTROLLER
    return {item["type"]: (item["status"], item["reason"]) for item in status["conditions"]}


def test_a_route_whose_parent_and_backends_are_there_is_accepted_and_resolved() -> None:
    route = _route("canary", "smiley", "smiley2")
    Cluster(http=[route]).turn()
    assert _conditions(route) == {"Accepted": ("True", "Accepted"), "ResolvedRefs": ("True", "ResolvedRefs")}
    status = route["status"]["parents"][0]
    assert status["parentRef"] == {
        "group": "core",
        "kind": "Service",
        "namespace": "faces",
        "name": "smiley",
        "port": 80,
    }
    assert all("observedGeneration" not in item and item["lastTransitionTime"] for item in status["conditions"])


def test_what_has_been_said_is_not_written_again_until_it_changes() -> None:
    route = _route("canary", "smiley", "smiley2")
    cluster = Cluster(http=[route])
    assert cluster.turn() == ["canary"]
    assert cluster.turn() == []
    cluster.lists["/api/v1/services"] = [
        item for item in cluster.lists["/api/v1/services"] if item["metadata"]["name"] != "smiley2"
    ]
    assert cluster.turn() == ["canary"]
    assert _conditions(route)["ResolvedRefs"] == ("False", "BackendNotFound")
    assert _conditions(route)["Accepted"] == ("True", "Accepted")


@pytest.mark.parametrize(
    ("route", "accepted", "resolved"),
    [
        (_route("r", parent={**_SERVICE, "name": "gone"}), ("False", "NoMatchingParent"), ("True", "ResolvedRefs")),
        (_route("r", parent={**_SERVICE, "name": "headless"}), ("False", "NoMatchingParent"), ("True", "ResolvedRefs")),
        (_route("r", parent={**_SERVICE, "name": "named"}), ("False", "NoMatchingParent"), ("True", "ResolvedRefs")),
        (_route("r", parent={**_SERVICE, "namespace": "else"}), ("False", "NoMatchingParent"), ("True", "ResolvedRefs")),
        (_route("r", parent={**_SERVICE, "group": "core"}), ("True", "Accepted"), ("True", "ResolvedRefs")),
        (_route("r", "gone"), ("True", "Accepted"), ("False", "BackendNotFound")),
    ],
)  # fmt: skip
def test_a_route_says_what_it_lacks(
    route: dict[str, Any], accepted: tuple[str, str], resolved: tuple[str, str]
) -> None:
    without_address = [
        _object("headless", {"type": "ClusterIP", "clusterIP": "None"}),
        _object("named", {"type": "ExternalName", "externalName": "example.com"}),
    ]
    Cluster(http=[route], services=without_address).turn()
    assert _conditions(route) == {"Accepted": accepted, "ResolvedRefs": resolved}


def test_a_backend_that_is_no_service_is_an_invalid_kind() -> None:
    route = _route("canary", "smiley")
    route["spec"]["rules"][0]["backendRefs"][0]["kind"] = "Secret"
    Cluster(http=[route]).turn()
    assert _conditions(route)["ResolvedRefs"] == ("False", "InvalidKind")


def test_calls_and_requests_to_one_port_conflict_and_the_route_of_calls_stays() -> None:
    http, other, grpc = _route("http"), _route("other", parent={**_SERVICE, "port": 81}), _route("grpc")
    Cluster(http=[http, other], grpc=[grpc]).turn()
    assert _conditions(http)["Accepted"] == ("False", "RouteReasonConflicted")
    assert _conditions(grpc)["Accepted"] == _conditions(other)["Accepted"] == ("True", "Accepted")


def test_a_route_of_a_server_is_accepted_when_the_server_is_there_and_has_no_backends_to_find() -> None:
    server = {"group": "policy.linkerd.io", "kind": "Server", "name": "edge"}
    here, gone = _route("here", parent=server), _route("gone", parent={**server, "name": "gone"})
    Cluster(policy=[here, gone], servers=[_object("edge", {})]).turn()
    assert _conditions(here) == {"Accepted": ("True", "Accepted")}
    assert _conditions(gone) == {"Accepted": ("False", "NoMatchingParent")}
    assert here["status"]["parents"][0]["parentRef"] == {**server, "namespace": "faces"}


def test_what_other_controllers_say_stays_and_parents_of_other_kinds_are_theirs() -> None:
    foreign = {"controllerName": "example.com/gateway", "parentRef": {"name": "gateway"}, "conditions": []}
    route = _route("both", "smiley", status={"parents": [foreign]})
    gateway = _route("theirs", parent={"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "gateway"})
    cluster = Cluster(http=[route, gateway])
    assert cluster.turn() == ["both"]
    assert [status["controllerName"] for status in route["status"]["parents"]] == ["example.com/gateway", CONTROLLER]
    assert "status" not in gateway
    assert cluster.turn() == []


def test_nothing_is_said_while_there_is_no_control_plane() -> None:
    cluster = Cluster(http=[_route("canary", "smiley")])
    for plane in (None, {"metadata": {}, "spec": {"replicas": 0}}):
        cluster.plane = plane
        assert cluster.turn() == []


def test_a_hundred_routes_take_one_list_of_each_kind_and_one_write_each() -> None:
    cluster = Cluster(grpc=[_route(f"vote-{number}") for number in range(103)])
    asked: list[str] = []
    get = cluster.get

    def counted(path: str) -> dict[str, Any] | None:
        asked.append(path)
        return get(path)

    cluster.get = counted  # type: ignore[method-assign]
    assert len(cluster.turn()) == 103
    assert len(asked) == 5
    assert cluster.turn() == []
