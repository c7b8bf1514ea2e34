"""What `lab status` says of machines and containers: as written, other than that, or why nobody could be asked."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from docker.errors import DockerException

from components.edge.assets import device_assets
from domain.bundle import bundle, converge_stdin
from lab.doctor.once import Once
from lab.status import api, containers, machines, threads, twin
from lab.status.api import ClusterApi, SilentError
from lab.status.item import Item, Part, State
from lab.twin.process import ProcessState
from tests.plugins.sshd import USER, Sshd
from tests.unit import device_fixtures
from tests.unit.doctor_fixtures import program
from tests.unit.status_fixtures import container, context_of, device, items, one

SENT = converge_stdin(bundle(device_fixtures.device(), device_assets()), device_assets())
FACES = {"second": ["smiley2"]}


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    with Sshd(tmp_path) as server:
        yield server


def _asked(sshd: Sshd, directory: Path, *, sent: object = SENT, seconds: float = 10, **changed: Any) -> list[Item]:
    """What is said of a device that is that server."""
    (directory / "key").write_text(sshd.client_key)
    entry = {"host": "127.0.0.1", "port": sshd.port, "host-key": sshd.host_key, **changed.pop("entry", {})}
    settings = {
        "ssh": {"user": USER, "private-key-file": "key"},
        "faces": FACES,
        "workloads": [{"name": "smiley", "addresses": ["192.0.2.21"], "device": entry}],
        **changed,
    }
    context = context_of(directory, *device("smiley", sent), seconds=seconds, **settings)
    return [item for _, look in machines.looks(context) for item in items(look())]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes every machine answer as a script wants, without sudo."""
    monkeypatch.setattr("lab.doctor.ssh.Target.sudo", "")

    def play(script: str) -> None:
        monkeypatch.setattr(machines, "functions", lambda: f"compare() {{ cat >/dev/null; {script}; }}\n")

    return play


def test_a_machine_is_asked_over_one_connection_and_every_difference_is_said(
    sshd: Sshd, tmp_path: Path, machine: Callable[[str], None]
) -> None:
    machine("echo fact member smiley; echo fact end")
    (item,) = _asked(sshd, tmp_path)
    assert (item.subject, item.state, item.word) == ("device smiley", State.BAD, "differs")
    assert item.text.startswith(
        "/etc/mesh-expansion/agent.conf is missing; /etc/mesh-expansion/container.env is missing;"
    )
    assert item.text.endswith(" more")
    assert len(item.facts["differences"]) > 20
    assert item.next == "raise spire.device by one in stacks/Pulumi.twin.yaml, then: make up; it writes what differs"
    assert sshd.connections == 1


def test_a_machine_that_has_all_of_it_is_as_written(
    sshd: Sshd, tmp_path: Path, machine: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domain.drift.differences", lambda *_: [])
    machine("echo mode 81a4 root:root /etc/mesh-expansion/routes; echo fact end")
    (item,) = _asked(sshd, tmp_path)
    assert (item.state, item.word, item.text) == (State.WELL, "as written", "1 files, 8 units, image")


@pytest.mark.parametrize(
    ("differences", "following"),
    [
        (["mesh-expansion-agent.service is failed"], " systemctl status mesh-expansion-agent.service"),
        (["/etc/x is missing", "mesh-expansion-agent.service is failed"], "raise spire.device by one"),
    ],
)
def test_what_to_type_next_fits_what_differs(
    sshd: Sshd,
    tmp_path: Path,
    machine: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    differences: list[str],
    following: str,
) -> None:
    monkeypatch.setattr("domain.drift.differences", lambda *_: differences)
    machine("echo fact end")
    assert following in _asked(sshd, tmp_path)[0].next


def test_a_file_beside_a_unit_is_to_be_taken_away_first(
    sshd: Sshd, tmp_path: Path, machine: Callable[[str], None]
) -> None:
    unit = "mesh-expansion-proxy.service"
    machine(f"printf 'unit Id={unit}\\nunit DropInPaths=/etc/systemd/system/{unit}.d/a.conf\\n'; echo fact end")
    (item,) = _asked(sshd, tmp_path)
    assert item.next.endswith(f"@127.0.0.1 'rm -r /etc/systemd/system/{unit}.d && systemctl daemon-reload'")


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("echo 'sudo: a password is required' >&2; exit 1", "did not come to an end: sudo: a password is required"),
        ("sleep 30", "did not say within 1 s what is there"),
    ],
)
def test_a_machine_that_does_not_say_it_to_the_end_was_not_asked_and_counts(
    sshd: Sshd, tmp_path: Path, machine: Callable[[str], None], script: str, text: str
) -> None:
    machine(script)
    (item,) = _asked(sshd, tmp_path, seconds=1)
    assert (item.state, item.word) == (State.BAD, "not asked")
    assert text in item.text


def test_another_host_key_or_nobody_there_counts_and_nothing_is_sent(sshd: Sshd, tmp_path: Path) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    (item,) = _asked(sshd, tmp_path, entry={"host-key": " ".join(other.split()[:2])})
    assert (item.state, item.word) == (State.BAD, "not asked")
    assert "another machine is there" in item.text
    (item,) = _asked(sshd, tmp_path, entry={"port": 1})
    assert (item.state, item.word) == (State.BAD, "not asked")
    assert "refuses connections" in item.text
    assert sshd.commands == []


def test_what_nobody_can_ask_here_is_said_and_does_not_count(sshd: Sshd, tmp_path: Path) -> None:
    (gone,) = _asked(sshd, tmp_path, entry={"gone": True})
    assert (gone.state, gone.word, gone.text) == (State.UNKNOWN, "not asked", "it is marked as gone")
    (unread,) = _asked(sshd, tmp_path, sent={"4dabf18193072939515e22adb298388d": "x"})
    assert (unread.state, unread.word) == (State.UNKNOWN, "not asked")
    assert "encrypted in the state" in unread.text
    (taken_out,) = _asked(sshd, tmp_path, workloads=[{"name": "other", "addresses": ["192.0.2.9"]}])
    assert (taken_out.state, taken_out.next) == (State.UNKNOWN, "make up")
    assert sshd.connections == 0


def test_a_key_that_is_encrypted_is_not_read(sshd: Sshd, tmp_path: Path) -> None:
    context = context_of(
        tmp_path,
        *device("smiley", SENT),
        encrypted_key=True,
        faces=FACES,
        workloads=[
            {
                "name": "smiley",
                "addresses": ["192.0.2.21"],
                "device": {"host": "127.0.0.1", "port": sshd.port, "host-key": sshd.host_key},
            }
        ],
    )
    ((_, look),) = machines.looks(context)
    item = one(look())
    assert (item.state, item.word) == (State.UNKNOWN, "not asked")
    assert "ssh-private-key is encrypted" in item.text
    assert sshd.commands == []


def _inspected(status: str = "running", health: str | None = "healthy", image: str = "sha256:1") -> dict[str, Any]:
    return {"State": {"Status": status, "Health": {"Status": health} if health else None}, "Image": image}


@pytest.mark.parametrize(
    ("there", "state", "word", "text"),
    [
        (_inspected(), State.WELL, "as written", "running, healthy, image as recorded"),
        (_inspected(health=None), State.WELL, "as written", "running, image as recorded"),
        (_inspected(image="sha256:2"), State.BAD, "differs", "it runs sha256:2; the last `up` wrote sha256:1"),
        (_inspected(health="unhealthy"), State.BAD, "unhealthy", "the container runs, and its own check is not passed"),
        (_inspected("exited"), State.BAD, "DOWN", "the container is exited"),
        (None, State.BAD, "gone", "there is no container net-color"),
    ],
)
def test_a_container_runs_is_well_and_of_the_image_that_is_recorded(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    there: dict[str, Any] | None,
    state: State,
    word: str,
    text: str,
) -> None:
    monkeypatch.setattr(containers, "_inspected", lambda *_: {"net-color": there} if there else {})
    found = one(containers.look(context_of(tmp_path, *container("color"))))
    assert (found.subject, found.state, found.word, found.text) == ("container color", state, word, text)


def test_an_engine_that_does_not_answer_is_said_of_every_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> None:
        raise DockerException("nobody there")

    monkeypatch.setattr(containers, "_inspected", silent)
    found = items(containers.look(context_of(tmp_path, *container("color"), *container("smiley"))))
    assert [(item.state, item.word) for item in found] == [(State.BAD, "not asked")] * 2


def _process(name: str, pid: int | None = 7) -> ProcessState:
    return ProcessState(name, pid, "running" if pid else "stopped", None, 2**20)


def test_of_the_twin_its_processes_are_said_and_a_device_that_is_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def running(_names: object) -> twin.Running:
        return twin.Running(
            cluster=[_process("etcd"), _process("api", None)],
            beside=[_process("dns")],
            devices={"smiley": "running", "color": "exited"},
        )

    monkeypatch.setattr(twin, "_running", running)
    found = items(twin.look(context_of(tmp_path)))
    assert [(item.part, item.subject, item.state, item.word, item.text) for item in found] == [
        (Part.CLUSTER, "twin", State.BAD, "DOWN", "api does not run"),
        (Part.CLUSTER, "in place of pods", State.WELL, "up", "dns; 3 MiB in all"),
        (Part.MACHINES, "device color", State.BAD, "DOWN", "its container is exited"),
    ]


def test_a_call_that_never_ends_keeps_nobody_waiting_and_an_error_is_handed_on() -> None:
    async def run() -> None:
        assert await threads.in_thread(lambda: 7) == 7
        with pytest.raises(ZeroDivisionError):
            await threads.in_thread(lambda: 1 // 0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(threads.in_thread(lambda: time.sleep(20)), 0.1)

    begun = time.monotonic()
    asyncio.run(run())
    assert time.monotonic() - begun < 5


KUBECONFIG = """
current-context: twin
contexts: [{name: twin, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://192.0.2.1:6443"}}]
users: [{name: u, user: {}}]
"""


def _api(directory: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> ClusterApi:
    (directory / "kubeconfig").write_text(KUBECONFIG)
    kubectl = program(directory / "programs", "kubectl", f'echo "$*" >>{directory}/asked\n{script}')
    monkeypatch.setattr("lab.doctor.cluster.find", lambda _name: str(kubectl))

    async def opened() -> tuple[Path, str | None]:
        return directory / "kubeconfig", None

    return ClusterApi(Once(opened))


def test_a_silent_api_is_waited_for_once_whoever_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        found = _api(tmp_path, monkeypatch, "echo 'dial tcp: connect: connection refused' >&2; exit 1")
        for _ in range(3):
            with pytest.raises(SilentError, match=r"nothing listens at https://192\.0\.2\.1:6443"):
                await found.items("/api/v1/nodes")

    asyncio.run(run())
    assert (tmp_path / "asked").read_text().count("\n") == 1


def test_a_kind_that_the_cluster_does_not_know_has_no_objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = """case $* in
*/version) echo '{"gitVersion": "v1.34.3"}' ;;
*/nodes) echo '{"items": [{"metadata": {"name": "n0"}}]}' ;;
*) echo 'Error from server (NotFound): the server could not find the requested resource' >&2; exit 1 ;;
esac"""

    async def run() -> None:
        found = _api(tmp_path, monkeypatch, script)
        assert await found.answering() == api.Answering(server="https://192.0.2.1:6443", version="v1.34.3")
        assert [node["metadata"]["name"] for node in await found.items("/api/v1/nodes")] == ["n0"]
        assert await found.items("/apis/x/v1/ys") == []

    asyncio.run(run())


def test_a_cluster_to_which_nothing_leads_is_silent_and_says_why() -> None:
    async def nothing() -> tuple[Path, str | None]:
        raise OSError("stack here has no kubeconfig: it is not up")

    async def run() -> None:
        with pytest.raises(SilentError, match="has no kubeconfig"):
            await ClusterApi(Once(nothing)).answering()

    asyncio.run(run())
