"""Which engine the lab uses, and what it says when there is none to have."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from lab import docker as lab_docker
from lab.docker import daemon, engine, install, packetfilter
from lab.docker.errors import DockerError
from lab.docker.images import busybox_image
from lab.docker.places import places
from lab.docker.reach import DockerEngine, answering
from lab.docker.record import EngineRecord, read_record, write_record

LONGEST_SOCKET_PATH = 107


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(engine, "SYSTEM_SOCKET", tmp_path / "no.sock")


def record(tmp_path: Path, **changes: object) -> EngineRecord:
    process = psutil.Process(os.getpid())
    values: dict[str, object] = {
        "host": f"unix://{tmp_path}/none.sock",
        "pid": process.pid,
        "created": process.create_time(),
        "state": str(tmp_path / "home/twin/docker"),
        "users": (),
        "forward_policy": "ACCEPT",
        "bridge_was_there": False,
    }
    return EngineRecord(**{**values, **changes})  # type: ignore[arg-type]


def test_a_chosen_engine_that_does_not_answer_is_an_error_and_no_other_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/gone.sock")
    with pytest.raises(DockerError, match=r"DOCKER_HOST is unix://.*/gone.sock, where no engine answers"):
        lab_docker.ensure()


def test_the_machines_own_engine_is_used_before_one_of_the_labs_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machines = DockerEngine(host="unix:///machine", version="1", storage="overlay2")
    socket = tmp_path / "docker.sock"
    socket.touch()
    monkeypatch.setattr(engine, "SYSTEM_SOCKET", socket)
    monkeypatch.setattr(engine, "answering", lambda *_, **__: machines)
    assert lab_docker.ensure() == machines
    assert not places().record.exists()


def test_a_plain_user_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(install, "dockerd", lambda: None)
    with pytest.raises(DockerError, match=r"only root may install one \(uid is 1000\).*apt-get install docker.io"):
        lab_docker.ensure()


def test_nothing_is_installed_on_another_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(install, "dockerd", lambda: None)
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"ID": "fedora", "PRETTY_NAME": "Fedora 44"})
    with pytest.raises(DockerError, match=r"Fedora 44, where the lab installs nothing"):
        install.install_engine()


def test_kin_of_debian_are_known_by_what_they_are_like(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"ID": "linuxmint", "ID_LIKE": "ubuntu debian"})
    assert install.debian_like()


def test_installing_is_said_before_it_is_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(install, "debian_like", lambda: True)
    monkeypatch.setattr(install, "dockerd", lambda: Path("/usr/sbin/dockerd") if ran else None)
    monkeypatch.setattr(install, "apt_get", lambda *arguments: ran.append(arguments))
    install.install_engine()
    assert "no Docker engine answers: installing docker.io and iptables" in capsys.readouterr().err
    assert ran == [("update",), ("install", "--yes", "--no-install-recommends", "docker.io", "iptables")]


def test_the_socket_of_the_labs_own_engine_fits_into_an_address_however_deep_the_checkout_lies(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    deep = tmp_path.joinpath(*["a-directory-with-a-long-name"] * 8)
    monkeypatch.setenv("LAB_CACHE", str(deep / "cache"))
    monkeypatch.setenv("LAB_HOME", str(deep / "home"))
    containerd = places().exec_root / "containerd" / "containerd-debug.sock"
    assert len(str(places().socket)) <= LONGEST_SOCKET_PATH
    assert len(str(containerd)) <= LONGEST_SOCKET_PATH


def test_a_record_of_an_engine_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "engine.json"
    written = record(tmp_path, users=("a", "b"))
    write_record(path, written)
    assert read_record(path) == written
    path.write_text("{")
    assert read_record(path) is None


def test_a_pid_that_was_handed_out_again_is_not_taken_for_the_engine(tmp_path: Path) -> None:
    assert record(tmp_path).process() is not None
    assert record(tmp_path, created=1.0).process() is None


def test_an_engine_in_use_by_another_checkout_is_left_running(tmp_path: Path) -> None:
    mine, others = places().state, tmp_path / "other"
    mine.mkdir(parents=True)
    others.mkdir()
    write_record(places().record, record(tmp_path, users=(str(mine), str(others))))
    assert lab_docker.down()
    left = read_record(places().record)
    assert left is not None
    assert left.users == (str(others),)


def test_down_without_an_engine_of_the_labs_own_does_nothing() -> None:
    assert lab_docker.down() is False


def test_nothing_answers_at_an_address_that_is_none() -> None:
    assert answering("unix:///nonexistent.sock") is None
    assert answering("nonsense") is None


def test_a_kernel_without_netfilter_is_named_as_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, **_: f"/sbin/{name}")
    monkeypatch.setattr(packetfilter, "_fault_of", lambda *_: "can't initialize iptables table `nat'")
    with pytest.raises(DockerError, match=r"no usable iptables.*iptables-legacy: can't initialize.*netfilter"):
        packetfilter.usable_backend()


def test_the_first_packet_filter_that_the_kernel_serves_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, **_: f"/sbin/{name}")
    monkeypatch.setattr(packetfilter, "_fault_of", lambda program, _: "" if "legacy" in program else "no")
    found = packetfilter.usable_backend()
    assert found == "/sbin/iptables-legacy"
    shims = packetfilter.directory_for(found, tmp_path)
    assert shims is not None
    assert (shims / "ip6tables").readlink() == Path("/sbin/ip6tables-legacy")


def test_a_test_image_that_is_there_is_not_imported_again() -> None:
    class Images:
        def get(self, name: str) -> str:
            return name

    class Client:
        images = Images()

    assert busybox_image(Client()) == "mesh-expansion-lab/busybox:1"  # type: ignore[arg-type]


@pytest.mark.parametrize("another", [True, False])
def test_an_engine_that_ends_leaves_the_packet_filter_alone_while_another_one_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, another: bool
) -> None:
    """Both have chains of the same names: without them the other one can make no network any more."""
    removed: list[str] = []
    monkeypatch.setattr(daemon, "SYSTEM_SOCKET", tmp_path / "no.sock")
    monkeypatch.setattr(packetfilter, "usable_backend", lambda: "iptables")
    monkeypatch.setattr(packetfilter, "bridges_with_rules", lambda _: frozenset())
    monkeypatch.setattr(packetfilter, "remove_bridges", lambda _: None)
    monkeypatch.setattr(packetfilter, "remove_rules", lambda *_: removed.append("rules"))
    ours = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    running = [SimpleNamespace(pid=ours.pid, info={"name": "dockerd"})]
    if another:
        running.append(SimpleNamespace(pid=ours.pid + 1, info={"name": "dockerd"}))
    monkeypatch.setattr("psutil.process_iter", lambda names: [] if "cmdline" in names else running)
    started = psutil.Process(ours.pid).create_time()
    daemon.stop(record(tmp_path, pid=ours.pid, created=started), places())
    ours.wait(5)
    assert removed == ([] if another else ["rules"])
