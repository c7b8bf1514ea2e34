"""What routes, retries and timeouts become, and how little a change of one touches."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import stacks
from lab.standins.kubernetes.await_.conditions import wait_for
from lab.standins.kubernetes.await_.progress import Judge
from settings import load
from tests.components.conftest import Declare, Recording, Registered

_WORKLOADS = [{"name": "smiley", "addresses": ["192.0.2.11"]}, {"name": "clock", "addresses": ["192.0.2.12"]}]
_CANARY = {"name": "smiley-route", "service": "smiley", "backends": {"smiley": 80, "smiley2": 20}}
_CENTER = {"name": "smiley-center", "service": "smiley", "path": "/center"}
_EDGE = {"name": "smiley-edge", "service": "smiley", "path": "/edge", "backends": {"smiley2": 1}}
_SLOW = [{"name": name, "timeout": {"request": "300ms"}} for name in ("clock", "face")]


@pytest.fixture
def twin(declare: Declare, tmp_path: Path) -> Any:
    (tmp_path / "kubeconfig").touch()

    def twin(**keys: Any) -> Recording:
        faces = {"second": ["smiley2", "color2"], **keys.pop("faces", {})}
        values = {"cluster": {"kubeconfig": "kubeconfig"}, "workloads": _WORKLOADS, "faces": faces, **keys}
        raw = {key: json.dumps(value) for key, value in values.items()}
        settings = load({"lab": "twin", **raw}, set(), source="test", project=tmp_path)
        return declare(lambda: stacks.compose(settings))

    return twin


def _difference(before: Recording, after: Recording) -> dict[str, str]:
    """What a preview would show, by name."""
    old, new = _declared(before), _declared(after)
    made, gone = new.keys() - old.keys(), old.keys() - new.keys()
    changed = {name for name in old.keys() & new.keys() if old[name] != new[name]}
    return dict.fromkeys(made, "create") | dict.fromkeys(gone, "delete") | dict.fromkeys(changed, "update")


def _declared(recording: Recording) -> dict[str, tuple[str, Any]]:
    """By name. Without certificates and what holds them: each recording makes keys of its own."""
    return {
        name: (resource.type, {key: value for key, value in resource.inputs.items() if key != "values"})
        for name, resource in recording.resources.items()
        if not resource.type.startswith(("tls:", "pulumi:pulumi:Stack"))
    }


def _spec(recording: Recording, name: str) -> dict[str, Any]:
    spec: dict[str, Any] = recording.resources[name].inputs["spec"]
    return spec


def _annotations(resource: Registered) -> dict[str, str]:
    """Those that Linkerd reads."""
    found: Mapping[str, str] = resource.inputs["metadata"]["annotations"]
    return {name: text for name, text in found.items() if name.split("/")[0].endswith("linkerd.io")}


def test_changing_a_weight_changes_one_object(twin: Any) -> None:
    before = twin(routes=[_CANARY, _EDGE], services=_SLOW)
    after = twin(routes=[{**_CANARY, "backends": {"smiley": 50, "smiley2": 50}}, _EDGE], services=_SLOW)
    assert _difference(before, after) == {"smiley-route-httproute": "update"}


def test_a_retry_or_a_timeout_of_a_route_changes_that_route_alone(twin: Any) -> None:
    before = twin(routes=[_CENTER, _EDGE], services=_SLOW)
    said = {"retry": {"http": "5xx", "limit": 3}, "timeout": {"request": "300ms"}}
    after = twin(routes=[_CENTER, {**_EDGE, **said}], services=_SLOW)
    assert _difference(before, after) == {"smiley-edge-httproute": "update"}
    assert _annotations(after.resources["smiley-edge-httproute"]) == {
        "retry.linkerd.io/http": "5xx",
        "retry.linkerd.io/limit": "3",
        "timeout.linkerd.io/request": "300ms",
    }
    assert _annotations(after.resources["smiley-center-httproute"]) == {}


def test_a_timeout_of_a_service_is_one_patch_that_says_nothing_else(twin: Any) -> None:
    before, after = twin(), twin(services=_SLOW)
    assert _difference(before, after) == {
        name: "create"
        for service in ("clock", "face")
        for name in (f"{service}-traffic", f"{service}-traffic-annotations")
    }
    for service, needs in (("clock", "edge-clock-service"), ("face", "faces-chart")):
        patch = after.resources[f"{service}-traffic-annotations"]
        assert patch.type == "kubernetes:core/v1:ServicePatch"
        assert patch.inputs == {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": service,
                "namespace": "faces",
                "annotations": {
                    "pulumi.com/patchForce": "true",
                    "pulumi.com/skipAwait": "true",
                    "timeout.linkerd.io/request": "300ms",
                },
            },
        }
        assert needs in after.before(patch.name), "the Service is there before and longer"
        assert f"{service}-traffic" in after.completed


def test_routes_by_path_say_which_requests_and_where_they_go(twin: Any) -> None:
    recording = twin(routes=[_CENTER, _EDGE, {"name": "face-head", "service": "face", "method": "HEAD"}])
    parent = {"group": "", "kind": "Service", "name": "smiley", "port": 80}
    assert _spec(recording, "smiley-center-httproute") == {
        "parentRefs": [parent],
        "rules": [{"matches": [{"path": {"type": "PathPrefix", "value": "/center"}}]}],
    }
    assert _spec(recording, "smiley-edge-httproute")["rules"] == [
        {
            "matches": [{"path": {"type": "PathPrefix", "value": "/edge"}}],
            "backendRefs": [{**parent, "name": "smiley2", "weight": 1}],
        }
    ]
    # Said whole: what the API server would write of its own accord would be a difference.
    assert _spec(recording, "face-head-httproute")["rules"] == [
        {"matches": [{"path": {"type": "PathPrefix", "value": "/"}, "method": "HEAD"}]}
    ]
    assert recording.exports["routes"] == {
        "smiley-center": {"smiley": 1.0},
        "smiley-edge": {"smiley2": 1.0},
        "face-head": {"face": 1.0},
    }


def test_a_route_that_is_about_everything_and_goes_nowhere_else_names_its_service_as_backend(twin: Any) -> None:
    (rule,) = _spec(twin(routes=[{"name": "all", "service": "face"}]), "all-httproute")["rules"]
    assert rule == {"backendRefs": [{"group": "", "kind": "Service", "name": "face", "port": 80, "weight": 1}]}


def test_a_service_of_grpc_gets_a_grpc_route_with_its_call(twin: Any) -> None:
    edge = {"name": "color-edge", "service": "color", "path": "/ColorService/Edge", "backends": {"color2": 1}}
    whole = {"name": "color-all", "service": "color", "path": "/ColorService", "retry": {"grpc": "unavailable"}}
    recording = twin(routes=[edge, whole])
    route = recording.resources["color-edge-grpcroute"].inputs
    assert (route["apiVersion"], route["kind"]) == ("gateway.networking.k8s.io/v1", "GRPCRoute")
    (rule,) = route["spec"]["rules"]
    assert rule["matches"] == [{"method": {"type": "Exact", "service": "ColorService", "method": "Edge"}}]
    assert [backend["name"] for backend in rule["backendRefs"]] == ["color2"]
    assert _spec(recording, "color-all-grpcroute")["rules"] == [
        {"matches": [{"method": {"type": "Exact", "service": "ColorService"}}]}
    ]
    assert _annotations(recording.resources["color-all-grpcroute"]) == {"retry.linkerd.io/grpc": "unavailable"}


def _status(controller: str = "linkerd.io/policy-controller", service: str = "smiley", **said: str) -> dict[str, Any]:
    return {
        "controllerName": controller,
        "parentRef": {"group": "core", "kind": "Service", "namespace": "faces", "name": service, "port": 80},
        "conditions": [{"type": kind, "status": status} for kind, status in said.items()],
    }


@pytest.mark.parametrize(
    ("parents", "is_ready"),
    [
        ([_status(Accepted="True", ResolvedRefs="True")], True),
        ([_status(Accepted="False", ResolvedRefs="True")], False),
        ([_status(Accepted="True", ResolvedRefs="False")], False),
        ([_status(Accepted="True")], False),
        ([_status("example.com/gateway", Accepted="True", ResolvedRefs="True")], False),
        ([_status(service="face", Accepted="True", ResolvedRefs="True")], False),
        (
            [
                _status("example.com/gateway", Accepted="False", ResolvedRefs="False"),
                _status(Accepted="True", ResolvedRefs="True"),
            ],
            True,
        ),
        ([], False),
    ],
)
def test_a_route_stands_when_linkerd_has_accepted_it_for_its_service_and_found_every_backend(
    twin: Any, parents: list[Any], *, is_ready: bool
) -> None:
    text = (
        twin(routes=[_EDGE]).resources["smiley-edge-httproute"].inputs["metadata"]["annotations"]["pulumi.com/waitFor"]
    )
    judges = wait_for(text)
    assert len(judges) == 2
    assert all(_ready(judge, {"status": {"parents": parents}}) for judge in judges) is is_ready


def _ready(judge: Judge, found: dict[str, Any]) -> bool:
    """The answer of a judge that waits for nothing itself."""
    looking = judge(found)
    try:
        looking.send(None)  # type: ignore[attr-defined]
    except StopIteration as answer:
        return bool(answer.value.ready)
    raise AssertionError("it waited")
