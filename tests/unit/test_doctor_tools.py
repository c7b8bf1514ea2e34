"""What `lab doctor` says of this machine: programs, Docker engine, ports."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import versions
from lab.docker.reach import DockerEngine
from lab.doctor import docker_engine, ports, tools
from lab.doctor.finding import Finding, Status
from lab.tools import catalogue
from lab.tools.links import plugin_directory
from tests.unit.doctor_fixtures import findings, one, program


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on it but a shell."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "lab"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    (tmp_path / "path").mkdir()
    return tmp_path / "lab"


def _says(home: Path, name: str, body: str) -> None:
    program(home / "bin", name, body)


@pytest.mark.parametrize("tested", [tools.PULUMI, tools.KUBECTL, tools.HELM])
def test_a_program_that_is_missing_is_got_with_one_command(tested: tools.Program) -> None:
    found = one(tools.check(tested))
    assert (found.check, found.subject, found.status, found.next) == (
        "tools",
        tested.name,
        Status.FAILED,
        "make tools",
    )


def test_a_program_that_the_lab_does_not_bring_says_where_it_is() -> None:
    assert "k3d-io/k3d/releases" in one(tools.check(tools.K3D)).next
    assert "kubernetes-sigs/kind/releases" in one(tools.check(tools.KIND)).next


@pytest.mark.parametrize(
    ("tested", "says", "status"),
    [
        (tools.PULUMI, f"v{versions.PULUMI}", Status.OK),
        (tools.PULUMI, "v3.100.0", Status.FAILED),
        (tools.PULUMI, "v3.999.1+dirty", Status.WARNING),
        (tools.KUBECTL, f'{{"clientVersion": {{"gitVersion": "v{versions.KUBERNETES}"}}}}', Status.OK),
        (tools.KUBECTL, '{"clientVersion": {"gitVersion": "v1.20.0"}}', Status.WARNING),
        (tools.HELM, f"v{versions.HELM}+g1234567", Status.OK),
        (tools.HELM, "v3.1.0", Status.FAILED),
        (tools.K3D, "k3d version v5.8.3\nk3s version v1.31.5-k3s1 (default)", Status.OK),
        (tools.K3D, "k3d version v4.4.8", Status.FAILED),
        (tools.KIND, "kind v0.31.0 go1.25.0 linux/amd64", Status.OK),
        (tools.KIND, "kind v0.11.1 go1.16.4 linux/amd64", Status.FAILED),
        (tools.DOCKER, "28.0.1", Status.OK),
        (tools.PULUMI, "hello", Status.FAILED),
    ],
)
def test_a_version_is_compared_with_the_one_that_is_needed(
    home: Path, tested: tools.Program, says: str, status: Status
) -> None:
    (home / "says").parent.mkdir(parents=True, exist_ok=True)
    (home / "says").write_text(says)
    _says(home, tested.name, f'while IFS= read -r line || [ -n "$line" ]; do echo "$line"; done <{home / "says"}')
    found = one(tools.check(tested))
    assert found.status is status, found
    assert (found.next == "") == (status is Status.OK)


def test_a_program_that_does_not_end_is_not_checked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "SECONDS", 0.2)
    _says(home, "pulumi", "while :; do :; done")
    assert one(tools.check(tools.PULUMI)).status is Status.NOT_CHECKED


def test_the_engines_plugins_are_looked_for_where_the_engine_does(home: Path) -> None:
    missing = {finding.subject: finding for finding in findings(tools.check_plugins(["tls", "command"]))}
    assert missing.keys() == {"pulumi-language-python", "plugin tls", "plugin command"}
    assert {finding.next for finding in missing.values()} == {"make tools"}
    _says(home, "pulumi-language-python", "")
    for tool in catalogue.TOOLS:
        if tool.plugin == "tls":
            program(plugin_directory(tool), "pulumi-resource-tls", "")
    _says(home, "pulumi-resource-command", "")  # as who has his own on the PATH
    assert {finding.status for finding in findings(tools.check_plugins(["tls", "command"]))} == {Status.OK}


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def test_a_port_that_is_taken_names_the_process_and_both_ways_out(
    listener: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_engine, "reached", lambda _: None)
    found = one(ports.check([("cluster.http-port", listener)], "mesh-exp", None))
    assert (found.check, found.subject, found.status) == ("ports", f"port {listener}", Status.FAILED)
    assert f"(pid {os.getpid()})" in found.cause
    assert found.next == f"kill {os.getpid()}, or set cluster.http-port to another port"


def test_a_port_that_is_free_is_free(listener: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_engine, "reached", lambda _: None)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))  # bound, so that nobody else gets it, but not listening
        free = other.getsockname()[1]
        assert one(ports.check([("cluster.http-port", free)], "mesh-exp", None)).status is Status.OK


@pytest.mark.parametrize(
    ("labels", "status"), [({"k3d.cluster": "mesh-exp"}, Status.OK), ({"k3d.cluster": "other"}, Status.FAILED)]
)
def test_a_port_of_a_container_is_its_own_labs_or_somebody_elses(
    listener: int, monkeypatch: pytest.MonkeyPatch, labels: dict[str, str], status: Status
) -> None:
    engine = DockerEngine(host="unix:///x", version="28", storage="overlay2")
    monkeypatch.setattr(docker_engine, "reached", lambda _: engine)
    monkeypatch.setattr(docker_engine, "publisher", lambda *_: ("k3d-serverlb", labels))
    found = one(ports.check([("cluster.http-port", listener)], "mesh-exp", None))
    assert found.status is status
    if status is Status.FAILED:
        assert found.next == "docker stop k3d-serverlb, or set cluster.http-port to another port"


def _engine(installs: bool = False, host: str | None = None) -> Finding:
    return one(docker_engine.check(docker_engine.Wanted(host=host, what="the cluster runs on", installs=installs)))


def test_an_engine_that_does_not_answer_says_why_and_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine_socket = tmp_path / "docker.sock"
    monkeypatch.setattr(docker_engine, "SYSTEM_SOCKET", engine_socket)
    monkeypatch.setattr(docker_engine, "read_record", lambda _: None)
    assert "apt-get install docker.io" in _engine().next
    engine_socket.touch()
    assert _engine().next == "sudo systemctl restart docker"
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "usermod -aG docker" in _engine().next
    elsewhere = _engine(host="tcp://127.0.0.1:1")
    assert elsewhere.status is Status.FAILED
    assert "tcp://127.0.0.1:1 (docker.host)" in elsewhere.cause
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:2")
    assert "tcp://127.0.0.1:2 (DOCKER_HOST)" in _engine().cause


def test_an_engine_that_up_installs_by_itself_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_engine, "SYSTEM_SOCKET", tmp_path / "docker.sock")
    monkeypatch.setattr(docker_engine, "read_record", lambda _: None)
    monkeypatch.setattr(docker_engine, "debian_like", lambda: True)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    found = _engine(installs=True)
    assert (found.status, found.next) == (Status.WARNING, "make up")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert _engine(installs=True).status is Status.FAILED


def test_an_engine_that_answers_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = DockerEngine(host="unix:///x", version="28.1", storage="overlay2")
    monkeypatch.setattr(docker_engine, "reached", lambda _: engine)
    found = _engine()
    assert (found.status, found.cause) == (Status.OK, "28.1 at unix:///x")
