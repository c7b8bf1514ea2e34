"""The twin's programs: found again, never taken for another, their ports and files kept."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from lab.twin import ports, process
from lab.twin.certificates import Authority, Party
from lab.twin.cluster import Cluster
from lab.twin.errors import TwinError
from lab.twin.files import write_private
from lab.twin.kubeconfig import write_kubeconfig
from lab.twin.process import Program


@pytest.fixture
def binaries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory first on PATH, with a program `waiter` that waits."""
    directory = tmp_path / "bin"
    directory.mkdir()
    (directory / "waiter").symlink_to(Path(sys.executable).resolve())
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    return directory


@pytest.fixture
def waiter(tmp_path: Path, binaries: Path) -> Iterator[Program]:
    program = Program(
        name="waiter",
        binary="waiter",
        arguments=("-c", "import time; print('up', flush=True); time.sleep(60)", f"--home={tmp_path}"),
        mark=f"--home={tmp_path}",
        directory=tmp_path / "waiter",
    )
    yield program
    program.stop(grace=0)


def test_a_program_that_runs_as_wanted_is_not_started_again(waiter: Program) -> None:
    assert waiter.ensure()
    first = waiter.find()
    assert not waiter.ensure()
    assert first
    assert waiter.find() == first


def test_a_program_that_a_command_becomes_is_known_as_itself(waiter: Program) -> None:
    through = replace(waiter, through=("/bin/sh", "-c", 'exec "$@"', "sh"))
    assert through.ensure()
    first = through.find()
    assert not through.ensure()
    assert first
    assert first == waiter.find()
    assert waiter.ensure(), "without the command it is another program"
    assert not first.is_running()


def test_a_program_whose_pid_file_is_lost_is_found_and_replaced_not_doubled(waiter: Program) -> None:
    waiter.ensure()
    first = waiter.find()
    waiter.pid_file.write_text('{"pid": ')
    assert waiter.find() == first
    assert waiter.ensure()
    assert first
    assert not first.is_running()


def test_a_pid_that_now_belongs_to_another_program_is_not_killed(waiter: Program) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        created = psutil.Process(bystander.pid).create_time()
        record = {"pid": bystander.pid, "created": created, "command": [], "fingerprint": ""}
        write_private(waiter.pid_file, json.dumps(record).encode())
        assert waiter.find() is None
        waiter.stop()
        assert bystander.poll() is None
        assert waiter.ensure()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_the_same_program_of_another_twin_is_left_alone(waiter: Program, tmp_path: Path) -> None:
    waiter.ensure()
    other = Program(
        name="waiter", binary="waiter", arguments=(), mark=f"--home={tmp_path}/other", directory=tmp_path / "other"
    )
    assert other.find() is None
    other.stop(grace=0)
    assert waiter.find()


def test_a_killed_program_is_started_again(waiter: Program) -> None:
    waiter.ensure()
    found = waiter.find()
    assert found
    os.kill(found.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while waiter.find() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert waiter.ensure()
    assert waiter.find() != found


def test_a_program_is_started_again_when_a_file_that_it_read_has_changed(waiter: Program, tmp_path: Path) -> None:
    file = tmp_path / "read"
    file.write_text("one")
    reader = Program(**{**vars(waiter), "reads": (file,)})
    assert reader.ensure()
    assert not reader.ensure()
    file.write_text("two")
    assert reader.ensure()


def test_a_missing_binary_is_reported_with_the_way_to_get_it(binaries: Path) -> None:
    with pytest.raises(TwinError, match=r"etcd is neither in .*bin nor on PATH; run `make tools`"):
        process.locate("etcd")


def test_nothing_is_made_when_a_binary_is_missing(binaries: Path, tmp_path: Path) -> None:
    with pytest.raises(TwinError, match="make tools"):
        Cluster(tmp_path / "some" / "twin").up()
    assert not (tmp_path / "some").exists()


def test_a_log_does_not_grow_without_end(waiter: Program) -> None:
    waiter.ensure()
    deadline = time.monotonic() + 30
    while waiter.log.read_text() != "up\n":  # what it says itself must not come last
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with waiter.log.open("ab") as log:
        log.write(b"old\n" * (process.LOG_LIMIT // 4) + b"newest\n")
    waiter.trim_log()
    assert waiter.log.stat().st_size < process.LOG_LIMIT // 2
    assert waiter.last_words(1).splitlines()[0].strip() == "newest"
    assert waiter.find()


def test_down_where_nothing_is_makes_nothing(tmp_path: Path) -> None:
    Cluster(tmp_path / "none" / "twin").down()
    Cluster(tmp_path / "twin").down()
    assert list(tmp_path.iterdir()) == []


def test_down_keeps_what_the_caller_names(tmp_path: Path) -> None:
    for name in ("charts", "etcd"):
        (tmp_path / "twin" / name).mkdir(parents=True)
    Cluster(tmp_path / "twin").down(keep=("charts",))
    assert [path.name for path in (tmp_path / "twin").iterdir()] == ["charts"]


@pytest.mark.parametrize("count", [0, 100_000])
def test_a_number_of_nodes_that_cannot_be_is_refused(count: int, tmp_path: Path) -> None:
    with pytest.raises(TwinError, match="the twin can have 1 to 200"):
        Cluster(tmp_path, nodes=count)


def test_ports_are_kept_while_they_are_free(tmp_path: Path) -> None:
    first = ports.settle(tmp_path / "ports.json", ("a", "b"), {})
    assert len(set(first.values())) == 2
    assert ports.settle(tmp_path / "ports.json", ("a", "b"), {}) == first


def test_a_new_twin_in_the_same_place_gets_the_same_ports(tmp_path: Path) -> None:
    first = ports.settle(tmp_path / "ports.json", ("a",), {})
    (tmp_path / "ports.json").unlink()
    assert ports.settle(tmp_path / "ports.json", ("a",), {}) == first


def test_a_port_that_another_program_took_is_replaced_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = ports.settle(tmp_path / "ports.json", ("a", "b"), {})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first["a"]))
        taken.listen()
        assert ports.settle(tmp_path / "ports.json", ("a", "b"), {"a": True}) == first, "its own process holds it"
        second = ports.settle(tmp_path / "ports.json", ("a", "b"), {})
    assert second["a"] != first["a"]
    assert second["b"] == first["b"]
    assert f"port {first['a']} of the twin's a is taken by another program" in capsys.readouterr().err


def test_a_port_that_is_let_go_of_in_a_moment_is_kept(tmp_path: Path) -> None:
    first = ports.settle(tmp_path / "ports.json", ("a",), {})
    dying = socket.create_server(("127.0.0.1", first["a"]))
    threading.Timer(0.3, dying.close).start()
    assert ports.settle(tmp_path / "ports.json", ("a",), {}) == first


def test_a_half_written_ports_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text('{"a": 21')
    assert ports.settle(tmp_path / "ports.json", ("a",), {})["a"] >= ports.FIRST


def test_certificates_are_used_again_and_repaired(tmp_path: Path) -> None:
    party = Party(name="api", common_name="api", addresses=("127.0.0.1",))
    first = Authority(tmp_path).issue(party)
    assert Authority(tmp_path).issue(party).certificate == first.certificate
    path = tmp_path / "api.pem"
    path.write_bytes(path.read_bytes()[:300])
    second = Authority(tmp_path).issue(party)
    assert second.certificate != first.certificate
    second.certificate.verify_directly_issued_by(Authority(tmp_path)._pair.certificate)


def test_a_certificate_follows_its_names_and_its_authority(tmp_path: Path) -> None:
    one = Authority(tmp_path).issue(Party(name="api", common_name="api", names=("one",)))
    two = Authority(tmp_path).issue(Party(name="api", common_name="api", names=("two",)))
    assert one.certificate != two.certificate
    (tmp_path / "authority-key.pem").unlink()
    three = Authority(tmp_path).issue(Party(name="api", common_name="api", names=("two",)))
    assert three.certificate != two.certificate


def test_keys_and_kubeconfigs_are_their_owners_alone(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "certificates")
    pair = authority.issue(Party(name="admin", common_name="admin"))
    authority.signing_key("tokens")
    public = authority.certificate.read_bytes()
    assert b"PRIVATE" not in public
    assert write_kubeconfig(tmp_path / "kubeconfig", "https://127.0.0.1:1", public, pair)
    assert not write_kubeconfig(tmp_path / "kubeconfig", "https://127.0.0.1:1", public, pair), "nothing changed"
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 5
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


_LEADER_GONE = """
import ctypes, socket, sys, threading, time
listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=time.sleep, args=(float(sys.argv[1]),), daemon=True).start()
print(listener.getsockname()[1], flush=True)
ctypes.CDLL(None).pthread_exit(None)
"""


def test_a_process_whose_first_thread_is_gone_has_not_ended_while_another_holds_its_port() -> None:
    with subprocess.Popen([sys.executable, "-c", _LEADER_GONE, "1"], stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout
        port = int(started.stdout.readline())
        found = psutil.Process(started.pid)
        deadline = time.monotonic() + 10
        while found.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
            time.sleep(0.01)
        assert found.status() == psutil.STATUS_ZOMBIE
        assert not process._ended(found, 0.2)
        assert process._ended(found, 10)
        with socket.create_server(("127.0.0.1", port)):
            pass
