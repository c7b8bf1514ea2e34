"""Applications beside Faces: what they are made of, and what a stack file may not ask for."""

import re
from pathlib import Path
from typing import Any

import pytest

from domain import emojivoto
from domain.emojivoto import parts, routes
from settings import InvalidSettings
from settings.asked import faces_plan
from tests.unit.stack_files import load_lab, make_project

BALANCED = {"web-service-type": "LoadBalancer"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path)


def _refusal(project: Path, of: str, **changed: Any) -> str:
    with pytest.raises(InvalidSettings) as caught:
        load_lab(of, project, **changed)
    return str(caught.value)


def test_every_method_of_emojivoto_has_one_route_of_its_own() -> None:
    voting = [route for route in routes() if route.service == "voting-svc"]
    emoji = {route.name: route.path for route in routes() if route.service == "emoji-svc"}
    assert emoji == {
        "emoji-listall-route": "/emojivoto.v1.EmojiService/ListAll",
        "emoji-find-route": "/emojivoto.v1.EmojiService/FindByShortcode",
    }
    assert len(voting) == 101
    assert len(routes()) == 103 == len({route.name for route in routes()}) == len({route.path for route in routes()})
    assert {(route.port, route.kind) for route in routes()} == {(8080, "GRPCRoute")}


def test_a_route_is_called_as_the_emoji_that_its_method_votes_for() -> None:
    paths = {route.name: route.path for route in routes()}
    for name, method in {
        "vote-doughnut-route": "VoteDoughnut",
        "vote-joy-route": "VoteJoy",
        "vote-stuckouttonguewinkingeye-route": "VoteStuckOutTongueWinkingEye",
        "vote-100-route": "Vote100",
        "vote-pointup2-route": "VotePointUp2",
        "vote-results-route": "Results",
    }.items():
        assert paths[name] == f"/emojivoto.v1.VotingService/{method}"
    for name, path in paths.items():
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name)
        if name.startswith("vote-"):
            method = str(path).rpartition("/")[2]
            assert name == f"vote-{method.removeprefix('Vote').lower()}-route"


def test_every_part_of_emojivoto_finds_those_that_it_calls() -> None:
    served = {f"{part.app}.emojivoto:{port}" for part in parts() for port, _ in part.service_ports.values()}
    called = [value for part in parts() for name, value in part.environment.items() if name.endswith("_HOST")]
    assert len(called) == 3
    assert set(called) <= served
    for part in parts():
        assert {target for _, target in part.service_ports.values()} <= set(part.ports.values())
    assert {route.service for route in routes()} < {part.app for part in parts()}
    assert emojivoto.WEB in {part.app for part in parts()}


@pytest.mark.parametrize("lab", ["k3d-lab", "pi-lab"])
def test_a_load_balancer_of_k3s_has_its_port_80_for_one_service(project: Path, lab: str) -> None:
    text = _refusal(project, lab, faces={"second": ["smiley2"]}, emojivoto=BALANCED)
    assert "emojivoto.web-service-type: LoadBalancer, and so is faces.gui-service-type: web-svc and faces-gui" in text
    text = _refusal(project, lab, emissary={}, emojivoto=BALANCED)
    assert "emissary.service-type: LoadBalancer, and so is emojivoto.web-service-type: emissary and web-svc" in text
    text = _refusal(
        project, lab, emissary={}, emojivoto=BALANCED, faces={"second": ["smiley2"], "gui-service-type": "LoadBalancer"}
    )
    assert text.startswith("2 problems")


def test_where_each_service_gets_an_address_all_may_be_balanced(project: Path) -> None:
    both = {"emojivoto": BALANCED, "emissary": {}, "faces": {"second": ["smiley2"], "gui-service-type": "LoadBalancer"}}
    for lab in ("twin", "dual-stack"):
        assert load_lab(lab, project, **both).emissary
    # A cluster that is brought has whatever it has.
    assert load_lab(
        "k3d-lab",
        project,
        cluster={"kubeconfig": "kubeconfig"},
        docker=None,
        workloads=None,
        **both | {"routes": [], "policy": {}},
    ).emojivoto


def test_the_gui_is_behind_the_ingress_unless_it_is_told_otherwise(project: Path) -> None:
    def kind(**keys: Any) -> str:
        return faces_plan(load_lab("twin", project, routes=[], **keys)).gui_service_type

    assert kind(faces={}) == "LoadBalancer"
    assert kind(faces={}, emissary={}) == "ClusterIP"
    assert kind(faces={"gui-service-type": "NodePort"}, emissary={}) == "NodePort"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"emojivoto": {}, "linkerd": {"version": "edge-25.2.2"}},
            "emojivoto.routes: true, with Linkerd edge-25.2.2, which reads no GRPCRoute v1",
        ),
        (
            {"emojivoto": {}, "linkerd": {"version": "edge-25.3.1"}, "gateway-api": {"version": "1.0.0"}},
            "emojivoto.routes: true, with Gateway API 1.0.0, which has no GRPCRoute v1",
        ),
        (
            {"policy": {"default-inbound": "audit"}, "linkerd": {"version": "edge-24.7.4"}},
            "policy.default-inbound: audit, with Linkerd edge-24.7.4, which does not know it",
        ),
        ({"policy": {"default-inbound": "allow"}}, 'policy.default-inbound: "allow"'),
        ({"emissary": {"version": "0.0.0-test"}}, "emissary.version: '0.0.0-test'"),
        ({"emissary": {"version": "3.9.1"}}, "4.0.1 or later"),
        ({"emojivoto": {"route": True}}, "emojivoto.route: no such key"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_touched(project: Path, keys: dict[str, Any], message: str) -> None:
    assert message in _refusal(project, "twin", **keys)


def test_without_routes_an_older_linkerd_will_do(project: Path) -> None:
    old = {"linkerd": {"version": "edge-25.2.2"}, "emojivoto": {"routes": False}}
    assert (
        load_lab("twin", project, **old).emojivoto == load_lab("twin", project, emojivoto={"routes": False}).emojivoto
    )
