"""What is sent to a machine to look at it, by the shell that reads it, and what is made of the answer."""

import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import pytest

from domain import k3s
from domain.device import Preflight
from domain.look import complaints, device_stdin, facts, k3s_stdin
from domain.workloads import Workload
from lab.doctor import machine
from tests.unit.device_fixtures import sh

SHELLCHECK = Path(sys.executable).parent / "shellcheck"
DEVICE = device_stdin(
    Preflight(
        workload=Workload(name="smiley", service="smiley", addresses=(ip_address("192.0.2.21"),)),
        nodes=(),
        not_before=0,
        not_after=2**40,
        architectures=("riscv64",),
    ),
    [],
    machine.functions(),
)
SERVER = k3s_stdin(
    k3s.Machine(cluster="pi-lab", architectures=["riscv64"], node_ports=[30000], adopt=False, enable_cgroups=False),
    machine.k3s_functions(),
)


@pytest.mark.parametrize("script", [DEVICE, SERVER])
def test_a_look_ends_with_facts_and_every_complaint_can_be_read(script: str) -> None:
    done = sh(script)
    said = facts(done.stdout)
    assert {"time", "architecture", "system", "kernel", "page-size", "end"} <= said.keys()
    found = complaints(done.stderr)
    assert len(found) == len(done.stderr.splitlines()), done.stderr
    (architecture,) = [complaint for complaint in found if complaint.what == "architecture"]
    assert architecture.grave
    assert (architecture.found, architecture.expected) == (said["architecture"], "riscv64")


@pytest.mark.parametrize("script", [DEVICE, SERVER])
def test_a_look_that_was_cut_short_runs_nothing(script: str) -> None:
    assert not sh(script[: script.rindex("}")]).stdout


@pytest.mark.parametrize("script", [DEVICE, SERVER])
def test_the_scripts_are_without_a_finding(script: str) -> None:
    command = [
        str(SHELLCHECK),
        "--shell=sh",
        "--exclude=SC2034,SC2317,SC2329",
        "-",
    ]  # what prepares a machine has more callers
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    assert not done.stdout, done.stdout


def test_every_line_that_a_machine_complains_with_is_taken_apart() -> None:
    said = (
        "problem: port 8000: taken by nginx (pid 7); expected it free; fix: stop that process\n"
        "noise\n"
        "warning: page size: 16384; expected 4096: the proxy may not run with larger pages; fix: set kernel=kernel8.img\n"
    )
    port, page = complaints(said)
    assert (port.what, port.found, port.expected, port.fix, port.grave) == (
        "port 8000",
        "taken by nginx (pid 7)",
        "it free",
        "stop that process",
        True,
    )
    assert not page.grave
    assert facts("fact system Debian 12\nfact podman \nno fact\n") == {"system": "Debian 12", "podman": ""}
