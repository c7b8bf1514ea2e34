"""What `lab doctor` says of machines that it cannot log in to, and of what those say that let it in."""

import asyncio
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import asyncssh
import pytest

from domain.device import Preflight
from domain.look import device_stdin
from domain.workloads import Workload
from lab.doctor import machine, ssh
from lab.doctor.finding import Finding, Status
from tests.plugins.sshd import USER, Sshd
from tests.unit.doctor_fixtures import program

PREFLIGHT = Preflight(
    workload=Workload(name="smiley", service="smiley", addresses=(ip_address("192.0.2.21"),)),
    nodes=(),
    not_before=0,
    not_after=2**40,
)


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    with Sshd(tmp_path) as server:
        yield server


@pytest.fixture
def target(sshd: Sshd, tmp_path: Path) -> ssh.Target:
    key = tmp_path / "key"
    key.write_text(sshd.client_key)
    return ssh.Target(
        subject="device smiley",
        host="127.0.0.1",
        port=sshd.port,
        user=USER,
        pinned=sshd.host_key,
        pin_place=tmp_path / "known_hosts",
        key_file=key,
    )


def _look(target: ssh.Target, script: str = "echo fact time 0; echo fact end") -> list[Finding | machine.Look]:
    async def look() -> list[Finding | machine.Look]:
        return [said async for said in machine.look(target, script, asyncio.Semaphore(1))]

    return asyncio.run(look())


def _refused(target: ssh.Target) -> Finding:
    (said,) = _look(target)
    assert isinstance(said, Finding)
    assert said.subject == "device smiley"
    return said


def _public(kind: str) -> asyncssh.SSHKey:
    return asyncssh.generate_private_key(kind)


def test_another_host_key_is_shown_with_both_fingerprints_and_nobody_logs_in(
    sshd: Sshd, target: ssh.Target, tmp_path: Path
) -> None:
    pinned = _public("ssh-ed25519")
    found = _refused(replace(target, pinned=pinned.export_public_key().decode()))
    shown = asyncssh.import_public_key(sshd.host_key)
    assert (found.check, found.status) == ("ssh.host-key", Status.FAILED)
    assert pinned.get_fingerprint() in found.cause
    assert shown.get_fingerprint() in found.cause
    assert "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" in found.cause
    assert found.next == (
        f"ssh-keygen -R '[127.0.0.1]:{sshd.port}' -f {tmp_path / 'known_hosts'} && "
        f"ssh-keyscan -t ed25519 -p {sshd.port} 127.0.0.1 >>{tmp_path / 'known_hosts'}"
    )
    assert sshd.refused == 0
    assert not sshd.commands


def test_a_host_key_of_another_kind_than_the_machine_shows_is_told_apart(target: ssh.Target, sshd: Sshd) -> None:
    pinned = _public("ecdsa-sha2-nistp256").export_public_key().decode()
    found = _refused(replace(target, pinned=pinned, pin_place="workloads[0].device.host-key"))
    assert found.check == "ssh.host-key"
    assert "ecdsa-sha2-nistp256" in found.cause
    assert "ssh-ed25519" in found.cause
    line = " ".join(sshd.host_key.split()[:2])
    assert found.next == f"set workloads[0].device.host-key to {line!r}"


def test_a_host_key_that_nobody_pinned_is_shown_so_that_it_can_be_compared(target: ssh.Target, sshd: Sshd) -> None:
    found = _refused(replace(target, pinned=None))
    assert found.check == "ssh.host-key"
    assert asyncssh.import_public_key(sshd.host_key).get_fingerprint() in found.cause
    assert found.next.startswith("ssh-keyscan -t ed25519")


def test_a_login_that_is_refused_names_user_and_key(target: ssh.Target) -> None:
    found = _refused(replace(target, user="nobody"))
    assert (found.check, found.status) == ("ssh.login", Status.FAILED)
    assert found.cause == f"nobody@127.0.0.1 refuses the key {target.key_file}"
    assert found.next == f"ssh-copy-id -i {target.key_file}.pub -p {target.port} nobody@127.0.0.1"


def test_a_key_that_is_a_secret_of_the_stack_is_not_read_and_the_host_key_is_compared_all_the_same(
    target: ssh.Target,
) -> None:
    found = _refused(replace(target, key_file=None, encrypted_key=True))
    assert (found.check, found.status) == ("ssh.login", Status.NOT_CHECKED)
    assert "secrets are not read" in found.cause


@pytest.mark.parametrize(
    ("text", "words", "following"),
    [
        ("no key", "cannot be read", "ssh-keygen -yf"),
        ("passphrase", "has a passphrase, which nobody is asked for", "ssh-add"),
    ],
)
def test_a_private_key_that_is_no_use_is_told_from_a_login_that_is_refused(
    target: ssh.Target, text: str, words: str, following: str
) -> None:
    assert target.key_file
    if text == "passphrase":
        target.key_file.write_bytes(_public("ssh-ed25519").export_private_key("pkcs8-pem", passphrase="x"))
    else:
        target.key_file.write_text(text)
    found = _refused(target)
    assert found.check == "ssh.login"
    assert words in found.cause
    assert found.next.startswith(f"{following} {target.key_file}")


def test_a_private_key_that_is_not_there_is_the_configurations_and_the_host_key_is_compared_all_the_same(
    target: ssh.Target,
) -> None:
    assert target.key_file
    target.key_file.unlink()
    missing = _refused(target)
    assert (missing.check, missing.status) == ("ssh.login", Status.NOT_CHECKED)
    pinned = _public("ssh-ed25519").export_public_key().decode()
    assert _refused(replace(target, pinned=pinned)).check == "ssh.host-key"


def test_what_does_not_answer_is_told_from_what_refuses_and_from_what_has_no_address(
    target: ssh.Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = _refused(replace(target, port=1))
    assert (refusing.check, refusing.next) == ("ssh.reach", "on the machine: sudo systemctl enable --now ssh")
    assert "refuses connections" in refusing.cause
    nowhere = _refused(replace(target, host="nowhere.invalid"))
    assert (nowhere.check, nowhere.next) == ("ssh.reach", "getent hosts nowhere.invalid")

    async def silence(*_: object, **__: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(ssh, "DIAL_SECONDS", 0.1)
    monkeypatch.setattr(asyncssh, "create_connection", silence)
    silent = _refused(target)
    assert (silent.check, silent.next) == ("ssh.reach", "ping -c 3 127.0.0.1")
    assert "does not answer" in silent.cause


def test_a_machine_is_looked_at_by_the_very_checks_that_prepare_it(
    target: ssh.Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin", "sudo", 'shift; exec "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    preflight = replace(PREFLIGHT, architectures=("riscv64",), nodes=(ip_address("127.0.0.1"),))
    login, look = _look(target, device_stdin(preflight, [], machine.functions()))
    assert isinstance(login, Finding)
    assert login.status is Status.OK
    assert isinstance(look, machine.Look)
    assert look.facts["architecture"] in ("amd64", "arm64")
    assert {"time", "system", "kernel", "page-size", "podman", "member"} <= look.facts.keys()
    by_check = {finding.check: finding for finding in look.findings}
    assert by_check["device.architecture"].status is Status.FAILED
    assert "expected riscv64" in by_check["device.architecture"].cause
    assert by_check["device.clock"].status is Status.OK
    assert "192.0.2.21" in by_check["device.address"].cause


def test_who_has_a_port_of_the_machine_is_named_with_the_command_that_ends_it(
    target: ssh.Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin", "sudo", 'shift; exec "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    line = "problem: port 8000: taken by nginx (pid 7); expected it free; fix: stop that process"
    _, look = _look(target, f"echo '{line}' >&2; echo fact time $(date +%s); echo fact end")
    assert isinstance(look, machine.Look)
    assert (look.findings[0].check, look.findings[0].status) == ("device.ports", Status.FAILED)
    assert look.findings[0].next == f"{target.command} sudo kill 7"


def test_a_user_who_may_not_use_sudo_is_told_how_to(
    target: ssh.Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin", "sudo", "echo 'sudo: a password is required' >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    found = _refused(target)
    assert found.check == "device.sudo"
    assert "/etc/sudoers.d/tester" in found.next


def test_an_answer_that_is_cut_off_is_no_answer(
    target: ssh.Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin", "sudo", 'shift; exec "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    (found,) = _look(target, "echo fact time 1; exit 1")
    assert isinstance(found, Finding)
    assert (found.check, found.status) == ("device.answer", Status.FAILED)


@pytest.mark.parametrize(
    ("offset", "status"),
    [(0, Status.OK), (19, Status.OK), (-30, Status.WARNING), (30, Status.WARNING), (-3600, Status.FAILED)],
)
def test_a_clock_that_differs_is_measured_against_this_machines(
    target: ssh.Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offset: int, status: Status
) -> None:
    program(tmp_path / "bin", "sudo", 'shift; exec "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    _, look = _look(target, f"echo fact time $(($(date +%s) + {offset})); echo fact end")
    assert isinstance(look, machine.Look)
    (clock,) = look.findings
    assert (clock.check, clock.status) == ("device.clock", status)
    if status is not Status.OK:
        side = "ahead of" if offset > 0 else "behind"
        assert re.search(rf"{abs(offset)} s {side}|{abs(offset) - 1} s {side}", clock.cause), clock.cause
        assert clock.next.endswith("timedatectl set-ntp true")
