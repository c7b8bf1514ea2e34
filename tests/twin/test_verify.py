"""`lab verify` on the twin: it passes on a lab that is as its file says, names what is not, and leaves nothing behind.

One lab for all, whose tests run in order. On stand-ins what takes a data plane is not provable; on real parts it is proven.
"""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from lab.verify.kubectl import Kubectl
from lab.verify.place import Request
from lab.verify.places.probe_pod import PREFIX, ProbePod, probe, sweep
from lab.verify.shared import Shared
from tests.twin.conftest import Lab
from tests.twin.edge import Edge, eventually, rig_of
from tests.twin.recorder import Recorder, recorder
from tests.unit.verify_fixtures import FakePlaces

pytestmark = pytest.mark.twin

REAL = bool(os.environ.get("LAB_PARTS"))
PASSED, FAILED, NOT_PROVABLE = "passed", "failed", "not provable here"
IN_DATA_PLANE = NOT_PROVABLE if not REAL else PASSED
# What the API and the host alone can tell.
EVERYWHERE = ("mesh.hand-off", "devices.ready", "names.dns", "traffic.routes", "access.policy", "certificates.chains")
DATA_PLANE = ("traffic.shares", "traffic.paths", "access.matrix", "wire.encrypted", "wire.plain", "wire.counted")


@pytest.fixture(scope="module")
def edge(new_lab: Callable[..., Lab]) -> Iterator[Edge]:
    """A lab with devices and a container, routes between them, and rules about who may call whom."""
    lab = new_lab(devices=True)
    lab("twin", "up")
    lab.configure(_configure)
    lab("up")
    yield Edge(lab, rig_of(lab))
    lab("twin", "down", ok=False)


@pytest.fixture(scope="module")
def door(edge: Edge) -> Iterator[Recorder]:
    """The way from `lab verify` to the cluster, on which every write is seen."""
    lab, name = edge.lab, ".lab/through"
    twin = lab.home / "twin"
    with recorder(lab.home / "bin" / "kubectl", twin / "kubeconfig", lab.directory / name) as found:
        lab.configure(lambda config: config["mesh-expansion:cluster"].update({"kubeconfig": name}))
        yield found


def _configure(config: dict[str, Any]) -> None:
    config["mesh-expansion:routes"] = [
        {"name": "smiley-route", "service": "smiley", "backends": {"smiley": 80, "smiley3": 20}},
        {"name": "smiley-edge", "service": "smiley", "path": "/edge", "backends": {"smiley3": 1}},
    ]
    config["mesh-expansion:policy"] = {
        "mode": "enforce",
        "access": [
            {"name": "default-calls", "from": {"service-accounts": ["default"]}, "to": ["smiley", "color", "smiley3"]},
            {"name": "color-calls", "from": {"workloads": ["color"]}, "to": ["smiley"]},
        ],
    }


def verified(lab: Lab, *words: str) -> tuple[int, dict[str, Any]]:
    """Exit status and document of a run."""
    run = lab("verify", "--json", *words, ok=False)
    return run.status, run.document


def verdicts(document: dict[str, Any], row: str) -> set[str]:
    return {outcome["verdict"] for outcome in document["outcomes"] if outcome["row"] == row}


def failed(document: dict[str, Any]) -> dict[tuple[str, str], str]:
    """What failed: row and subject, with what was found."""
    return {
        (outcome["row"], outcome["subject"]): outcome["found"]
        for outcome in document["outcomes"]
        if outcome["verdict"] == FAILED
    }


def _versions(lab: Lab) -> dict[str, str]:
    """Every object that somebody configures, with its version."""
    kinds = "services,deployments,httproutes,servers,authorizationpolicies,secrets,configmaps,pods,namespaces"
    items = json.loads(lab.kubectl("get", kinds, "-A", "-o", "json"))["items"]
    return {
        f"{item['kind']} {item['metadata'].get('namespace')}/{item['metadata']['name']}": item["metadata"][
            "resourceVersion"
        ]
        for item in items
    }


def _containers(edge: Edge) -> set[str]:
    """Those of this lab: others may run beside it."""
    listed = edge.engine.containers.list(all=True, filters={"name": edge.network})
    return {str(container.name) for container in listed}


def test_a_lab_that_is_as_its_file_says_passes_and_is_not_changed(edge: Edge, door: Recorder, tmp_path: Path) -> None:
    eventually(lambda: all(edge.ready(name) for name in ("smiley", "color", "smiley3")), "the workloads to be ready")
    before, containers = _versions(edge.lab), _containers(edge)
    junit = tmp_path / "verify.xml"
    status, document = verified(edge.lab, "--junit", str(junit))
    assert failed(document) == {}
    assert status == 0
    for row in EVERYWHERE:
        assert verdicts(document, row) == {PASSED}, row
    for row in DATA_PLANE:
        assert verdicts(document, row) == {IN_DATA_PLANE}, row
    assert verdicts(document, "devices.endpoints") == verdicts(document, "traffic.accepted") == {IN_DATA_PLANE}
    assert verdicts(document, "mesh.gui") == {NOT_PROVABLE}, "no pod runs on the twin, whatever its parts are"
    assert verdicts(document, "traffic.grpc") == {"not configured"}
    assert door.asked > 5, "the run asked the cluster by the way that is watched"
    assert door.writes == []
    assert _versions(edge.lab) == before
    assert _containers(edge) == containers
    suite = ElementTree.parse(junit).getroot().find("testsuite")  # noqa: S314 - written by this run
    assert suite is not None
    assert suite.get("tests") == str(len(document["outcomes"]))


def test_one_row_and_one_device_are_asked_alone(edge: Edge) -> None:
    _, document = verified(edge.lab, "--row", "devices.ready", "--device", "color")
    assert [(outcome["row"], outcome["subject"]) for outcome in document["outcomes"]] == [
        ("devices.ready", "workload color")
    ]
    wrong = edge.lab("verify", "--row", "nonsense", ok=False)
    assert wrong.status == 2
    assert "no row 'nonsense'" in wrong.text


def test_a_weight_and_a_mode_that_somebody_changed_by_hand_are_named(edge: Edge) -> None:
    weight = '[{"op": "replace", "path": "/spec/rules/0/backendRefs/1/weight", "value": 21}]'
    mode = '{"spec": {"accessPolicy": "all-unauthenticated"}}'
    kubectl = edge.lab.kubectl
    kubectl("patch", "httproute", "-n", "faces", "smiley-route", "--type=json", "--patch", weight)
    kubectl("patch", "server.policy.linkerd.io", "-n", "faces", "edge-color", "--type=merge", "--patch", mode)
    status, document = verified(edge.lab, "--row", "traffic.routes", "--row", "access.policy")
    assert status == 1
    wrong = failed(document)
    assert set(wrong) == {("traffic.routes", "route smiley-route"), ("access.policy", "Server edge-color")}
    assert "smiley3 21" in wrong["traffic.routes", "route smiley-route"]
    assert wrong["access.policy", "Server edge-color"] == "accessPolicy all-unauthenticated"
    kubectl("patch", "httproute", "-n", "faces", "smiley-route", "--type=json", "--patch", weight.replace("21", "20"))
    back = mode.replace("all-unauthenticated", "deny")
    kubectl("patch", "server.policy.linkerd.io", "-n", "faces", "edge-color", "--type=merge", "--patch", back)
    assert verified(edge.lab, "--row", "traffic.routes", "--row", "access.policy")[0] == 0


def test_a_workload_that_died_is_named(edge: Edge) -> None:
    edge.rig.run("color", "systemctl stop mesh-expansion-proxy.service")
    eventually(lambda: not edge.ready("color"), "the prober to see that color is gone", 90)
    status, document = verified(edge.lab, "--row", "devices.ready", "--row", "certificates")
    assert status == 1
    assert {subject for _, subject in failed(document)} == {"workload color"}
    assert "not Ready" in failed(document)["devices.ready", "workload color"]
    edge.rig.run("color", "systemctl start mesh-expansion-proxy.service")
    eventually(lambda: edge.ready("color"), "color to be ready again", 90)


def _pods(lab: Lab) -> list[str]:
    listed = lab.kubectl("get", "pods", "-n", "faces", "-o", "name").split()
    return [name for name in listed if PREFIX in name]


def test_pods_to_ask_from_are_made_and_gone_by_the_real_api_whatever_happens(edge: Edge) -> None:
    kubectl = Kubectl(edge.lab.home / "twin" / "kubeconfig")
    pod = ProbePod(namespace="faces", image="curl", account=None, seconds=120)

    async def use() -> list[str]:
        async with probe(kubectl, pod) as place:
            seen = _pods(edge.lab)
            with pytest.raises(OSError, match="an unmeshed pod"):  # kwok says that it runs, and nothing does
                await place.ask(Request(url="http://face/"))
            return seen

    assert len(asyncio.run(use())) == 1
    assert _pods(edge.lab) == []

    async def interrupted() -> None:
        class _Places(FakePlaces):
            def unmeshed(self) -> Any:
                return probe(kubectl, pod)

        async with Shared(_Places()) as shared:
            task = asyncio.create_task(shared.unmeshed())
            while not await asyncio.to_thread(_pods, edge.lab):
                await asyncio.sleep(0.05)
            task.cancel()

    asyncio.run(interrupted())
    assert _pods(edge.lab) == []


def test_the_next_run_removes_a_pod_that_a_killed_one_has_left(edge: Edge, door: Recorder) -> None:
    kubectl = Kubectl(edge.lab.home / "twin" / "kubeconfig")
    left = ProbePod(namespace="faces", image="curl", account=None, seconds=120).manifest(f"{PREFIX}left")
    dead = subprocess.Popen(["true"])
    dead.wait()
    run = "mesh-expansion/verify-run"
    mine = json.loads(json.dumps(left))
    left["metadata"]["annotations"][run] = f"{os.uname().nodename}/{dead.pid}/1"
    mine["metadata"]["name"] = f"{PREFIX}in-use"

    async def make() -> None:
        await kubectl.create(left)
        await kubectl.create(mine)

    asyncio.run(make())
    assert verified(edge.lab, "--row", "mesh.hand-off")[0] == 0
    assert [write.split("?")[0] for write in door.writes] == [f"DELETE /api/v1/namespaces/faces/pods/{PREFIX}left"]
    assert _pods(edge.lab) == [f"pod/{PREFIX}in-use"]
    edge.lab.kubectl("delete", "pod", "-n", "faces", f"{PREFIX}in-use", "--wait=false")
    assert asyncio.run(sweep(kubectl, "faces")) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(edge: Edge, door: Recorder, number: signal.Signals) -> None:
    before, asked = _containers(edge), door.asked
    if not REAL:
        door.open.clear()
    process = edge.lab.start("verify", "--row", "access.matrix", "--row", "traffic.shares", "--requests", "20000")

    def busy() -> bool:
        """On real parts something was made for it; on stand-ins it waits for the API."""
        return bool(_containers(edge) - before) if REAL else door.asked > asked

    eventually(busy, "the run to be in the middle of its work")
    process.send_signal(number)
    text, _ = process.communicate(timeout=60)
    door.open.set()
    assert process.returncode == 128 + number, text
    assert "interrupted by" in text
    assert _containers(edge) == before
    assert _pods(edge.lab) == []
