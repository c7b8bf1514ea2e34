"""One run of `lab doctor`, for each lab, on a machine where hardly anything is there."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from typer.testing import CliRunner

from lab import doctor, paths, twin_lab
from lab.cli import application
from lab.doctor import certificates, docker_engine, ports, registry, ssh
from lab.doctor.finding import Finding, Status, failed
from lab.twin.cluster import Cluster
from tests.unit.doctor_fixtures import STACK, write_stack

KEY = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
ALWAYS = {"configuration", "state", "tools", "versions", "certificates"}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_HOME", str(tmp_path / ".lab"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setattr(docker_engine, "reached", lambda _: None)
    (tmp_path / "kubeconfig").write_text("{}")
    (tmp_path / "key").write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    return tmp_path


def _devices(count: int) -> list[dict[str, Any]]:
    return [
        {"name": f"w{number}", "addresses": [f"127.1.{number // 250}.{number % 250 + 1}"], "device": {"host-key": KEY}}
        for number in range(count)
    ]


def _machines(count: int) -> dict[str, Any]:
    return {
        "workloads": _devices(count),
        "ssh": {"private-key-file": "key", "port": 1},
        "edge": {"image": "localhost/a:b", "artefacts": "parts"},
    }


@pytest.mark.parametrize(
    ("lab", "keys", "checks"),
    [
        ("twin", {}, {"cluster.kubeconfig"}),
        ("twin", _machines(1), {"cluster.kubeconfig", "docker", "ssh.reach"}),
        ("k3d-lab", {}, {"docker", "docker.network", "ports", "cluster.made"}),
        ("k3d-lab", {"cluster": {"kubeconfig": "kubeconfig"}}, {"cluster.kubeconfig"}),
        ("pi-lab", {"cluster": {"host": "127.1.0.9", "host-key": KEY}, **_machines(1)}, {"ssh.reach"}),
        ("dual-stack", {}, {"docker", "docker.network", "cluster.made"}),
    ],
)
def test_each_lab_has_the_checks_of_what_it_needs(
    project: Path, lab: str, keys: dict[str, Any], checks: set[str]
) -> None:
    write_stack(project, lab=lab, **keys)
    report = doctor.examine(STACK, project=project)
    assert report.lab == lab
    assert {finding.check for finding in report.findings} == ALWAYS | checks
    assert not [finding for finding in report.findings if "this check itself failed" in finding.cause]
    assert all(finding.next for finding in report.findings if finding.status in (Status.FAILED, Status.WARNING))


def test_what_does_not_depend_on_a_mistake_is_checked_all_the_same(project: Path) -> None:
    write_stack(project, trust={"nothing": 1}, **_machines(1))
    found = {finding.check: finding for finding in doctor.examine(STACK, project=project).findings}
    assert found["ssh.reach"].status is Status.FAILED
    write_stack(project, workloads=3, cluster=[])
    report = doctor.examine(STACK, project=project)
    assert {finding.check for finding in report.findings} == ALWAYS
    unread = {finding.subject for finding in report.findings if finding.status is Status.NOT_CHECKED}
    assert {"workloads", "cluster"} <= unread


def test_a_twin_that_does_not_run_is_left_to_up(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_stack(project, stack=twin_lab.STACK, **_machines(1), cluster={"kubeconfig": ".lab/twin/kubeconfig"})
    assert not [process for process in Cluster().status() if process.pid]
    report = doctor.examine(twin_lab.STACK, project=project)
    for check in ("cluster.reach", "ssh.reach"):
        (finding,) = [item for item in report.findings if item.check == check]
        assert (finding.status, finding.next) == (Status.NOT_CHECKED, "make up")


def test_a_thousand_machines_are_asked_together_and_not_all_at_once(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, most = 0, 0

    @asynccontextmanager
    async def silent(target: ssh.Target) -> AsyncIterator[None]:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        raise ssh.Refused(failed("ssh.reach", target.subject, "does not answer", f"ping -c 3 {target.host}"))
        yield

    monkeypatch.setattr(ssh, "login", silent)
    write_stack(project, **_machines(1000))
    report = doctor.examine(STACK, project=project)
    assert most == ssh.AT_ONCE
    assert len([finding for finding in report.findings if finding.check == "ssh.reach"]) == 1000


def test_what_takes_too_long_is_said_and_the_rest_is_there(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def forever(*_: object) -> AsyncIterator[Finding]:
        await asyncio.sleep(60)
        yield failed("x", "y", "z", "a")

    monkeypatch.setattr(certificates, "check", forever)
    write_stack(project)
    found = doctor.examine(STACK, 1.0, project).findings
    (late,) = [finding for finding in found if finding.check == "certificates"]
    assert (late.status, late.cause) == (Status.NOT_CHECKED, "no answer within 1 s")
    assert {finding.check for finding in found} == ALWAYS | {"cluster.kubeconfig"}


def test_a_check_with_a_mistake_in_it_leaves_the_others_alone(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "check", lambda *_: 1 / 0)
    write_stack(project, lab="k3d-lab")
    found = {finding.check: finding for finding in doctor.examine(STACK, project=project).findings}
    assert found["ports"].status is Status.NOT_CHECKED
    assert "ZeroDivisionError" in found["ports"].cause
    assert "docker" in found


@pytest.fixture
def checkout(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(doctor.examine, "__defaults__", (60.0, project))
    return project


def test_the_exit_status_says_whether_something_would_fail(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_stack(checkout)
    failing = CliRunner().invoke(application, ["doctor", "--stack", STACK, "--json"])
    assert failing.exit_code == 1
    assert json.loads(failing.stdout)["status"] == "failed"
    monkeypatch.setattr(registry, "always", lambda: iter(()))
    monkeypatch.setattr(registry, "checks", lambda _: iter(()))
    fine = CliRunner().invoke(application, ["doctor", "--stack", STACK])
    assert (fine.exit_code, fine.stdout.splitlines()[0]) == (0, f"lab doctor: stack {STACK}, lab twin")


def test_a_stack_that_is_not_there_is_wrong_usage(checkout: Path) -> None:
    write_stack(checkout)
    wrong = CliRunner().invoke(application, ["doctor", "--stack", "nothing"])
    assert wrong.exit_code == 2
    assert CliRunner().invoke(application, ["doctor", "--seconds", "0"]).exit_code == 2


def test_nothing_is_written_where_nothing_was(project: Path) -> None:
    write_stack(project, lab="k3d-lab")
    before = sorted(project.rglob("*"))
    doctor.examine(STACK, project=project)
    assert sorted(project.rglob("*")) == before
    assert paths.home() not in before
