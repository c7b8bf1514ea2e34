"""Who may call whom, on one lab from audit to enforce: what a change touches, and what callers are answered.

Objects and previews are looked at on both grounds. What a proxy answers is the real proxy's: on stand-ins there is nobody to
ask, and that is what is said.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import pytest

from lab.stack_file import Outside, outside
from lab.twin.parts import controllers_are_real
from lab.verify.place import NotProvable, Place, Request
from lab.verify.places.twin import OutsidePlace, TwinPlaces
from tests.twin.conftest import Lab
from tests.twin.edge import NAMES, Edge, eventually, rig_of

pytestmark = pytest.mark.twin

REAL = controllers_are_real()
FACE = "face.faces.serviceaccount.identity.linkerd.cluster.local"
COLOR = 'path: "/color"'  # of its SPIFFE ID, which a proxy's log has in parts
SMILEY = Request(url="http://smiley.faces.svc.cluster.local/", count=3)
SERVERS = {"policy-edge-smiley-server": "update", "policy-edge-color-server": "update"}
FACE_CALLS = {"name": "face-calls-edge", "from": {"service-accounts": ["face"]}, "to": ["smiley", "color"]}
COLOR_CALLS = {"name": "color-calls-smiley", "from": {"workloads": ["color"]}, "to": ["smiley"]}


@dataclass
class Ground:
    """The lab, what its cluster held before, and the places to ask from."""

    lab: Lab
    untouched: set[str]
    edge: Edge

    @property
    def places(self) -> TwinPlaces:
        return TwinPlaces(outside(self.lab.stack_file) if REAL else Outside({}, {}), directory=self.lab.home / "twin")

    def policy(self, mode: str, *rules: dict[str, Any]) -> None:
        """Write it into the stack file."""
        self.lab.configure(lambda config: config.update({"mesh-expansion:policy": {"mode": mode, "access": [*rules]}}))

    def answers(self, of: Callable[[TwinPlaces], AbstractAsyncContextManager[Place]]) -> set[int | None]:
        """Statuses that smiley answers there."""

        async def ask() -> set[int | None]:
            async with of(self.places) as place:
                return {answer.status for answer in await place.ask(SMILEY)}

        return asyncio.run(ask())

    def expect(self, of: Callable[[TwinPlaces], AbstractAsyncContextManager[Place]], status: int) -> None:
        """A proxy that has just started, or has just been told, may take a moment."""
        eventually(lambda: self.answers(of) == {status}, f"smiley to answer {status}", 120)

    def log(self) -> list[str]:
        """What smiley's proxy has logged about those whom no rule allows."""

        async def read() -> str:
            async with self.places.outside("smiley") as place:
                assert isinstance(place, OutsidePlace)
                return await place.log(600)

        return [line for line in asyncio.run(read()).splitlines() if "authz.name=audit" in line]

    def spec(self, kind: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.lab.kubectl("get", kind, name, "-n", "faces", "-o", "json"))["spec"]
        return found

    def modes(self) -> set[str]:
        listed = json.loads(self.lab.kubectl("get", "servers.policy.linkerd.io", "-n", "faces", "-o", "json"))["items"]
        return {item["spec"]["accessPolicy"] for item in listed}


def _face(places: TwinPlaces) -> AbstractAsyncContextManager[Place]:
    return places.meshed("face")


def _color(places: TwinPlaces) -> AbstractAsyncContextManager[Place]:
    return places.outside("color")


def _not_provable(ground: Ground) -> None:
    """Nobody could be asked who is what a rule says."""
    for of in (_face, _color):
        with pytest.raises(NotProvable):
            ground.answers(of)


@pytest.fixture(scope="module")
def ground(new_lab: Callable[..., Lab]) -> Iterator[Ground]:
    """In audit mode with one rule; devices where there are real proxies to put on them."""
    lab = new_lab(devices=REAL)
    lab("twin", "up")
    found = Ground(lab, lab.objects(), Edge(lab, rig_of(lab)))

    def two_workloads(config: dict[str, Any]) -> None:
        config["mesh-expansion:workloads"] = config["mesh-expansion:workloads"][: len(NAMES)]

    lab.configure(two_workloads)
    found.policy("audit", FACE_CALLS)
    lab("up")
    yield found
    lab("twin", "down", ok=False)


def test_a_part_of_faces_that_a_rule_names_runs_as_a_service_account_of_its_own(ground: Ground) -> None:
    pod = ground.spec("deployment", "face")["template"]["spec"]
    assert pod["serviceAccountName"] == pod["serviceAccount"] == "face"
    assert "serviceAccountName" not in ground.spec("deployment", "faces-gui")["template"]["spec"]
    assert ground.spec("meshtlsauthentication", "face-calls-edge") == {"identities": [FACE]}


def test_a_second_up_changes_nothing(ground: Ground) -> None:
    ground.lab.shell("pulumi up -s twin --yes --expect-no-changes")
    assert ground.modes() == {"audit"}


def test_in_audit_mode_all_are_answered_and_the_log_names_those_alone_whom_no_rule_allows(ground: Ground) -> None:
    if not REAL:
        _not_provable(ground)
        return
    eventually(lambda: all(ground.edge.ready(name) for name in NAMES), "the devices to be ready", 90)
    assert ground.edge.plain("smiley") == 200
    ground.expect(_color, 200)
    ground.expect(_face, 200)
    lines = ground.log()
    assert [line for line in lines if COLOR in line], lines
    assert [line for line in lines if FACE not in line and COLOR not in line], "who is not on the mesh"
    assert not [line for line in lines if FACE in line]


def test_from_audit_to_enforce_only_servers_change_and_who_is_not_allowed_is_refused(ground: Ground) -> None:
    ground.policy("enforce", FACE_CALLS)
    assert ground.lab.preview() == SERVERS
    text = ground.lab("up").text
    assert "policy.access: no rule" not in text
    assert ground.modes() == {"deny"}
    if not REAL:
        _not_provable(ground)
        return
    eventually(lambda: ground.edge.plain("smiley") == 403, "who is not on the mesh to be refused")
    ground.expect(_color, 403)
    ground.expect(_face, 200)
    assert ground.edge.plain("smiley", "/ready") == 200


def test_a_new_rule_touches_its_own_objects_and_no_proxy_is_started_anew(ground: Ground) -> None:
    started = ground.edge.started("smiley") if REAL else None
    ground.policy("enforce", FACE_CALLS, COLOR_CALLS)
    assert ground.lab.preview() == {
        "policy-color-calls-smiley-meshtlsauthentication": "create",
        "policy-color-calls-smiley-smiley-authorizationpolicy": "create",
        # A Server is told of what refers to it by its place in the order alone.
    }
    ground.lab("up")
    if not REAL:
        _not_provable(ground)
        return
    ground.expect(_color, 200)
    assert ground.edge.plain("smiley") == 403
    assert ground.edge.started("smiley") == started


def test_a_rule_that_is_changed_changes_alone_and_pods_are_judged_as_soon_as_one_names_them(ground: Ground) -> None:
    wider = {**COLOR_CALLS, "from": {"workloads": ["color", "smiley"]}, "to": ["smiley", "face"]}
    ground.policy("enforce", FACE_CALLS, wider)
    assert ground.lab.preview() == {
        "policy-color-calls-smiley-meshtlsauthentication": "update",
        "policy-color-calls-smiley-cluster-face-authorizationpolicy": "create",
        "policy-cluster-face-httproute": "create",
        "policy-cluster-face-server": "create",
    }
    # As the GUI calls face, and no rule says so, it is warned of.
    assert "no rule lets faces-gui call face" in ground.lab("up").text
    server, deployment = ground.spec("servers.policy.linkerd.io", "cluster-face"), ground.spec("deployment", "face")
    labels = deployment["template"]["metadata"]["labels"]
    assert server["podSelector"]["matchLabels"].items() <= labels.items()
    ports = deployment["template"]["spec"]["containers"][0]["ports"]
    assert server["port"] in [port["name"] for port in ports]


def test_a_service_account_that_no_rule_names_any_more_goes_and_its_pods_are_as_before(ground: Ground) -> None:
    ground.policy("enforce", {**FACE_CALLS, "from": {"meshed": True}})
    ground.lab("up")
    pod = ground.spec("deployment", "face")["template"]["spec"]
    assert not {"serviceAccountName", "serviceAccount"} & pod.keys()
    assert (
        "serviceaccount/face" not in ground.lab.kubectl("get", "serviceaccounts", "-n", "faces", "-o", "name").split()
    )
    assert ground.lab.preview() == {}


def test_destroy_leaves_nothing(ground: Ground) -> None:
    ground.lab.shell("pulumi destroy --yes --skip-preview -s twin")
    assert ground.lab.objects() - ground.untouched == set()
