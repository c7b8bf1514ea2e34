"""What stands for the twin's pods: on real parts it asks as a pod does and leaves nothing, on stand-ins it says that it cannot."""

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from docker.models.containers import Container

from lab.stack_file import Outside, outside
from lab.twin.devices.shell import shell
from lab.twin.parts import controllers_are_real
from lab.twin.pod.container import LABEL
from lab.verify import metrics
from lab.verify.place import NotProvable, Place, Request
from lab.verify.places.twin import TwinPlaces
from tests.twin.conftest import CHECKOUT, Lab
from tests.twin.edge import GUEST, NAMES, Edge, eventually, rig_of

pytestmark = pytest.mark.twin

REAL = controllers_are_real()
FACE = "face.faces.serviceaccount.identity.linkerd.cluster.local"
SMILEY = "http://smiley.faces.svc.cluster.local/"
BACKENDS = "outbound_http_route_backend_response_statuses_total"


@dataclass
class Ground:
    """The places of a twin that is up with real parts; without them of one that is not even there."""

    places: TwinPlaces
    edge: Edge | None = None

    @property
    def pods(self) -> list[Container]:
        """What stands for pods now."""
        if self.edge is None:
            return []
        return self.edge.engine.containers.list(all=True, filters={"label": f"{LABEL}={self.edge.network}"})

    def why_not(self, place: AbstractAsyncContextManager[Place]) -> str:
        """Why there is no such place. Fails when there is."""

        async def enter() -> None:
            async with place:
                pass

        with pytest.raises(NotProvable) as refused:
            asyncio.run(enter())
        return str(refused.value)


@pytest.fixture(scope="module")
def ground(new_lab: Callable[..., Lab], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    if not REAL:
        # Nothing has to be up to see that nothing is made: the parts are looked at first.
        yield Ground(TwinPlaces(Outside({}, {}), directory=tmp_path_factory.mktemp("twin")))
        return
    lab = new_lab(devices=True)
    lab("twin", "up")

    def route(config: dict[str, Any]) -> None:
        config["mesh-expansion:routes"][0]["backends"] = {"smiley": 80, GUEST: 20}
        inside = {"name": "smiley-edge", "service": "smiley", "path": "/edge/", "backends": {"smiley2": 1}}
        config["mesh-expansion:routes"].append(inside)

    lab.configure(route)
    lab("up")
    edge = Edge(lab, rig_of(lab))
    lab.kubectl("create", "serviceaccount", "face", "-n", "faces")
    eventually(lambda: all(edge.ready(name) for name in (*NAMES, GUEST)), "the workloads to be ready")
    yield Ground(TwinPlaces(outside(lab.stack_file), directory=lab.home / "twin"), edge)
    lab("twin", "down", ok=False)


async def _ask(place: AbstractAsyncContextManager[Place], request: Request) -> list[int | None]:
    async with place as entered:
        return [answer.status for answer in await entered.ask(request)]


def test_without_real_parts_nothing_stands_for_a_pod_and_the_reason_is_said(ground: Ground) -> None:
    if REAL:
        assert "no service account nobody in faces" in ground.why_not(ground.places.meshed("nobody"))
    else:
        for place in (ground.places.unmeshed(), ground.places.meshed("face")):
            assert "LAB_PARTS brings real ones" in ground.why_not(place)
    assert "only registered" in ground.why_not(ground.places.outside("elsewhere"))
    assert ground.pods == []


def test_a_meshed_pod_is_answered_and_its_requests_are_shared_out_by_the_route(ground: Ground) -> None:
    if not REAL:
        assert ground.why_not(ground.places.meshed("face"))
        return

    async def ask() -> tuple[Counter[int | None], metrics.Metrics, float]:
        async with ground.places.meshed("face") as place:
            begun = time.monotonic()
            answers = await place.ask(Request(url=SMILEY, count=200))
            took = time.monotonic() - begun
            return Counter(answer.status for answer in answers), metrics.parse(await place.metrics()), took

    statuses, counted, took = asyncio.run(ask())
    assert statuses == {200: 200}
    shares = counted.by(BACKENDS, "backend_name", lambda labels: labels["route_name"] == "smiley-route")
    assert {*shares} == {"smiley", GUEST}
    assert 15 < shares[GUEST] < 70
    assert took < 10


def test_a_pod_of_faces_that_is_only_said_to_run_answers_a_meshed_pod(ground: Ground) -> None:
    if not REAL:
        assert ground.why_not(ground.places.meshed("face"))
        return

    async def ask() -> tuple[int | None, str]:
        async with ground.places.meshed("face") as place:
            (answer,) = await place.ask(Request(url=f"{SMILEY}edge/"))
            return answer.status, answer.body

    status, body = asyncio.run(ask())
    assert status == 200
    assert "HeartEyes" in body


def test_the_device_sees_the_service_accounts_identity(ground: Ground) -> None:
    if not REAL:
        assert ground.why_not(ground.places.meshed("face"))
        return

    async def seen() -> str:
        async with ground.places.meshed("face") as face, ground.places.outside("smiley") as device:
            await face.ask(Request(url=SMILEY, count=20))
            return await device.metrics()

    lines = [line for line in asyncio.run(seen()).splitlines() if line.startswith("request_total{")]
    (own,) = [line for line in lines if f'client_id="{FACE}"' in line]
    assert 'tls="true"' in own


def test_a_pod_without_a_proxy_is_refused_and_one_machine_outside_is_not_by_another(ground: Ground) -> None:
    if ground.edge is None:
        assert ground.why_not(ground.places.unmeshed())
        return
    device = f"http://{ground.edge.addresses['smiley']}:8000/"

    async def ask() -> list[list[int | None]]:
        return [
            await _ask(ground.places.unmeshed(), Request(url=device, count=3)),
            await _ask(ground.places.unmeshed(), Request(url="http://smiley/", count=3)),
            await _ask(ground.places.outside(GUEST), Request(url=SMILEY, count=3)),
            await _ask(
                ground.places.outside("smiley"), Request(url=f"http://{GUEST}.faces.svc.cluster.local/", count=3)
            ),
        ]

    assert asyncio.run(ask()) == [[403] * 3, [403] * 3, [200] * 3, [200] * 3]


def test_a_call_by_grpc_goes_the_same_way(ground: Ground) -> None:
    if not REAL:
        assert ground.why_not(ground.places.meshed("face"))
        return
    url = "http://color.faces.svc.cluster.local/ColorService/Center"

    async def ask() -> tuple[list[int | None], metrics.Metrics]:
        async with ground.places.meshed("face") as place:
            answers = await place.ask(Request(url=url, count=5, grpc=True))
            return [answer.status for answer in answers], metrics.parse(await place.metrics())

    statuses, counted = asyncio.run(ask())
    assert statuses == [200] * 5
    assert counted.total("response_total", lambda labels: labels.get("grpc_status") == "0") >= 5


def test_the_token_is_in_memory_alone_and_nothing_stays(ground: Ground) -> None:
    if ground.edge is None:
        assert ground.why_not(ground.places.meshed("face"))
        return

    async def look() -> None:
        async with ground.places.meshed("face"):
            (pod,) = ground.pods
            token = _printed(pod, "cat /run/pod/token")
            assert token.count(".") == 2
            assert token not in json.dumps(pod.attrs)
            assert token not in _printed(pod, "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ /run/pod/proxy.log")
            assert _printed(pod, "stat -c '%a %u' /run/pod/token").split() == ["600", "2102"]
            assert _printed(pod, "stat -f -c %T /run/pod").strip() == "tmpfs"
            assert set(pod.attrs["HostConfig"]["CapAdd"]) <= {"NET_ADMIN", "CAP_NET_ADMIN"}
            assert not pod.attrs["HostConfig"]["PortBindings"]

    asyncio.run(look())
    eventually(lambda: ground.pods == [], "the container to be gone", 10)


def _printed(pod: Container, command: str) -> str:
    return shell(pod, command)[1]


_ASKING = """
import asyncio, sys
from pathlib import Path
from lab.stack_file import Outside
from lab.verify.places.twin import TwinPlaces

async def stay() -> None:
    places = TwinPlaces(Outside({}, {}), directory=Path(sys.argv[1]), seconds=15)
    async with places.meshed("face"):
        print("entered", flush=True)
        await asyncio.sleep(600)

asyncio.run(stay())
"""


def test_what_a_killed_program_leaves_goes_by_itself_and_what_an_interrupted_one_has_made_goes_at_once(
    ground: Ground,
) -> None:
    if ground.edge is None:
        assert ground.pods == []
        return
    twin = Path(ground.edge.lab.home) / "twin"

    def entered() -> "subprocess.Popen[str]":
        asking = subprocess.Popen(
            [sys.executable, "-c", _ASKING, str(twin)], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
        )
        assert asking.stdout
        assert asking.stdout.readline() == "entered\n"
        assert len(ground.pods) == 1
        return asking

    asking = entered()
    asking.kill()
    asking.wait()
    eventually(lambda: ground.pods == [], "the container of a killed program to be gone", 20)
    asking = entered()
    asking.send_signal(2)
    asking.wait(20)
    assert ground.pods == []


def test_the_issuers_key_is_its_owners_alone_and_gone_with_the_twin(ground: Ground) -> None:
    if ground.edge is None:
        assert ground.pods == []
        return
    twin = Path(ground.edge.lab.home) / "twin"
    (key,) = (twin / "inside" / "linkerd-identity").rglob("key.pem")
    assert key.stat().st_mode & 0o777 == 0o600
    body = key.read_text().splitlines()[1]
    ground.edge.lab("twin", "down")
    assert not key.exists()
    search = ["grep", "-rlsF", body, str(ground.edge.lab.home)]
    assert subprocess.run(search, capture_output=True, check=False).stdout == b""
