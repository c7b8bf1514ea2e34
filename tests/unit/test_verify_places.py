"""The places that `lab verify` asks from: what is sent, what is made for it, and that all of it is gone at the end."""

import asyncio
import json
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest

from lab.verify import verification
from lab.verify.place import NotProvable, Request
from lab.verify.places import curl
from lab.verify.places.host import host
from lab.verify.places.machine import CAPTURE
from lab.verify.places.probe_pod import LABEL, PREFIX, ProbePod, probe, sweep
from lab.verify.places.shell import ShellPlace
from lab.verify.program import Done, run
from lab.verify.shared import Shared
from lab.verify.verification import InterruptedRunError, Options, verify
from tests.unit.verify_fixtures import FakePlace, FakePlaces

POD = ProbePod(namespace="faces", image="curl", account="face", seconds=60)


@dataclass
class FakeApi:
    """An API that keeps pods, and a list of everything that was written; `refuses` names kubectl's first word that fails."""

    pods: dict[str, dict[str, Any]] = field(default_factory=dict)
    writes: list[tuple[str, str]] = field(default_factory=list)
    refuses: str = ""
    injects: bool = True
    arriving: asyncio.Event | None = None
    ready: asyncio.Event | None = None

    async def get(self, path: str) -> dict[str, Any] | None:
        if "labelSelector" in path:
            return {"items": list(self.pods.values())}
        return self.pods.get(path.rsplit("/", 1)[-1])

    async def create(self, manifest: Mapping[str, Any]) -> None:
        self.writes.append(("create", f"{manifest['kind']} {manifest['metadata']['name']}"))
        if self.refuses == "create":
            raise OSError("forbidden")
        if self.arriving:
            await self.arriving.wait()
        pod = json.loads(json.dumps(manifest))
        if self.injects:
            pod["spec"]["initContainers"] = [{"name": "linkerd-proxy"}]
        pod["metadata"]["creationTimestamp"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.pods[manifest["metadata"]["name"]] = pod

    async def __call__(self, *arguments: str, seconds: float = 20, stdin: str = "") -> Done:  # noqa: ARG002 - as kubectl's
        if arguments[0] == "delete":
            names = [word for word in arguments[2:] if word in self.pods]
            self.writes += [("delete", f"Pod {name}") for name in names]
            self.pods = {name: pod for name, pod in self.pods.items() if name not in names}
        if arguments[0] == "wait" and self.ready:
            await self.ready.wait()
        return Done(status=1 if arguments[0] == self.refuses else 0, out="", fault="it does not")

    async def execute(self, namespace: str, pod: str, container: str, command: Sequence[str], seconds: float) -> Done:  # noqa: ARG002 - as kubectl's
        return Done(status=0, out=f"{pod in self.pods}", fault="")


def made(api: FakeApi) -> list[str]:
    return [what for verb, what in api.writes if verb == "create"]


def gone(api: FakeApi) -> list[str]:
    return [what for verb, what in api.writes if verb == "delete"]


def test_a_pod_is_there_while_it_is_used_and_gone_afterwards() -> None:
    api = FakeApi()

    async def use() -> str:
        async with probe(api, POD) as place:
            assert len(api.pods) == 1
            return (await place.run(["true"], 5)).out if isinstance(place, ShellPlace) else ""

    assert asyncio.run(use()) == "True"
    assert api.pods == {}
    assert made(api) == gone(api)
    assert made(api)[0].startswith(f"Pod {PREFIX}meshed-")


def test_a_pod_has_an_end_of_its_own_and_no_rights() -> None:
    manifest = POD.manifest("x")
    spec, metadata = manifest["spec"], manifest["metadata"]
    assert spec["activeDeadlineSeconds"] == 60
    assert spec["restartPolicy"] == "Never"
    assert spec["serviceAccountName"] == "face"
    assert metadata["labels"][LABEL] == "probe"
    assert metadata["annotations"]["linkerd.io/inject"] == "enabled"
    assert spec["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    unmeshed = ProbePod(namespace="faces", image="curl", account=None, seconds=60).manifest("y")
    assert unmeshed["metadata"]["annotations"]["linkerd.io/inject"] == "disabled"
    assert unmeshed["spec"]["automountServiceAccountToken"] is False


@pytest.mark.parametrize(
    ("api", "words"),
    [
        (FakeApi(refuses="wait"), "is not ready"),
        (FakeApi(injects=False), "was given no proxy"),
        (FakeApi(refuses="create"), "forbidden"),
    ],
)
def test_a_pod_that_is_no_place_is_gone_too(api: FakeApi, words: str) -> None:
    async def use() -> None:
        async with probe(api, POD):
            raise AssertionError

    with pytest.raises(OSError, match=words):
        asyncio.run(use())
    assert api.pods == {}


def test_a_pod_that_was_on_its_way_when_somebody_interrupted_is_gone_too() -> None:
    async def interrupted() -> FakeApi:
        api = FakeApi(arriving=asyncio.Event())
        assert api.arriving
        task = asyncio.create_task(_enter(api))
        while not api.writes:
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        api.arriving.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        return api

    api = asyncio.run(interrupted())
    assert api.pods == {}
    assert gone(api) == made(api) != []


async def _enter(api: FakeApi) -> None:
    async with probe(api, POD):
        await asyncio.sleep(60)


def _left(name: str, *, age: float, by: str) -> dict[str, Any]:
    stamp = (datetime.now(UTC) - timedelta(seconds=age)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "metadata": {"name": name, "creationTimestamp": stamp, "annotations": {"mesh-expansion/verify-run": by}},
        "spec": {"activeDeadlineSeconds": 300},
    }


def test_the_next_run_removes_what_killed_ones_have_left_and_nothing_that_is_in_use() -> None:
    here = os.uname().nodename
    own = f"{here}/{os.getpid()}/{psutil.Process().create_time():.0f}"
    dead = subprocess.Popen(["true"])
    dead.wait()
    listed = [
        _left(f"{PREFIX}killed", age=5, by=f"{here}/{dead.pid}/1"),
        _left(f"{PREFIX}reused", age=5, by=f"{here}/{os.getpid()}/1"),
        _left(f"{PREFIX}old", age=400, by="elsewhere/1/1"),
        _left(f"{PREFIX}mine", age=5, by=own),
        _left(f"{PREFIX}theirs", age=5, by="elsewhere/1/1"),
        _left("somebody-elses", age=4000, by=f"{here}/{dead.pid}/1"),
    ]
    api = FakeApi({item["metadata"]["name"]: item for item in listed})
    assert asyncio.run(sweep(api, "faces")) == [f"{PREFIX}{name}" for name in ("killed", "reused", "old")]
    assert set(api.pods) == {f"{PREFIX}mine", f"{PREFIX}theirs", "somebody-elses"}


def test_rows_share_a_place_and_it_is_gone_once_when_the_run_ends() -> None:
    places = FakePlaces({"host": FakePlace("this machine"), "meshed face": FakePlace("face")})

    async def ask() -> None:
        async with Shared(places) as shared:
            first, second = await asyncio.gather(shared.meshed("face"), shared.meshed("face"))
            assert first is second
            with pytest.raises(NotProvable):
                await shared.unmeshed()
            await shared.host()
            assert places.left == []

    asyncio.run(ask())
    assert sorted(places.left) == ["host", "meshed face"]


def test_a_row_that_runs_out_of_time_does_not_take_a_place_from_the_others() -> None:
    async def ask() -> str:
        api = FakeApi(ready=asyncio.Event())
        assert api.ready

        class _Slow(FakePlaces):
            def meshed(self, account: str) -> Any:  # noqa: ARG002 - as the contract has it
                return probe(api, POD)

        async with Shared(_Slow()) as shared:
            hasty, patient = asyncio.create_task(shared.meshed("face")), asyncio.create_task(shared.meshed("face"))
            await asyncio.sleep(0.01)
            hasty.cancel()
            api.ready.set()
            name = (await patient).name
        assert api.pods == {}
        return name

    assert asyncio.run(ask()) == "a meshed pod as face"


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    status = 200

    def do_GET(self) -> None:
        body = b"body of " + self.path.encode()
        self.send_response(403 if self.path == "/no" else self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def url() -> Any:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


async def _here(command: Sequence[str], seconds: float) -> Done:
    return await run(*command, seconds=seconds)


def test_curl_and_this_machine_answer_alike(url: str) -> None:
    shell = ShellPlace("a place", _here)

    async def ask(request: Request) -> list[list[tuple[int | None, str]]]:
        async with host() as own:
            return [[(answer.status, answer.body) for answer in await place.ask(request)] for place in (own, shell)]

    own, by_curl = asyncio.run(ask(Request(url=f"{url}/yes")))
    assert own == by_curl == [(200, "body of /yes")]
    own, by_curl = asyncio.run(ask(Request(url=f"{url}/no", count=3)))
    assert [status for status, _ in own] == [status for status, _ in by_curl] == [403, 403, 403]


def test_more_requests_than_one_command_takes_are_all_answered(url: str) -> None:
    found = asyncio.run(ShellPlace("a place", _here).ask(Request(url=f"{url}/yes", count=450)))
    assert len(found) == 450
    assert {answer.status for answer in found} == {200}
    assert all(answer.seconds > 0 for answer in found)


def test_where_nobody_listens_there_is_no_status_but_a_reason() -> None:
    async def ask() -> list[Any]:
        async with host() as own:
            places = (own, ShellPlace("a place", _here))
            return [(await place.ask(Request(url="http://127.0.0.1:1/")))[0] for place in places]

    for answer in asyncio.run(ask()):
        assert answer.status is None
        assert answer.fault


def test_a_place_without_curl_is_said_to_be_of_no_use() -> None:
    async def none(_command: Sequence[str], _seconds: float) -> Done:
        return Done(status=127, out="", fault="sh: curl: not found")

    place = ShellPlace("device smiley", none)
    with pytest.raises(OSError, match="device smiley: sh: curl: not found"):
        asyncio.run(place.ask(Request(url="http://x/")))
    with pytest.raises(OSError, match="does not show its metrics"):
        asyncio.run(place.metrics())
    with pytest.raises(NotProvable):
        asyncio.run(ShellPlace("an unmeshed pod", none, meshed=False).metrics())


def test_a_call_by_grpc_carries_one_empty_message_over_http_2() -> None:
    ((command, _),) = curl.commands(Request(url="http://x/s/m", grpc=True, count=2))
    text = shlex.join(command)
    assert command[:2] == ["sh", "-c"]
    assert "head -c 5 /dev/zero" in text
    assert "--http2-prior-knowledge" in text
    assert command.count("http://x/s/m") == 2


def test_a_program_that_does_not_end_is_ended_and_out_of_the_terminals_reach(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError, match="sleep gave no answer within 0 s"):
        asyncio.run(run("sleep", "30", seconds=0.2))
    done = asyncio.run(run("sh", "-c", "ps -o sid= -p $$; ps -o sid= -p $PPID", seconds=5))
    inner, outer = done.out.split()
    assert inner != outer, "Ctrl-C reaches the session of the terminal only"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_rows_and_takes_away_what_was_made(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = FakeApi()

    async def busy(*_parts: Any) -> Any:
        class _Places(FakePlaces):
            def meshed(self, account: str) -> Any:  # noqa: ARG002 - as the contract has it
                return probe(api, POD)

        async with Shared(_Places()) as shared:
            await shared.meshed("face")
            assert len(api.pods) == 1
            for _turn in range(3):  # nobody is patient
                os.kill(os.getpid(), number)
            await asyncio.sleep(60)

    monkeypatch.setattr(verification, "_verify", busy)
    with pytest.raises(InterruptedRunError) as interrupted:
        verify("twin", Options(), tmp_path)
    assert interrupted.value.signal == number
    assert api.pods == {}
    assert {verb for verb, _ in api.writes} == {"create", "delete"}


def test_the_look_at_the_wire_is_posix_and_says_where_it_cannot_look() -> None:
    done = subprocess.run(["sh", str(CAPTURE), "203.0.113.9", "8000", "1"], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "no interface has the address 203.0.113.9" in done.stderr
