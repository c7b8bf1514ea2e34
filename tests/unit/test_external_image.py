"""The external base image's scripts, run outside of any image."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import versions
from tests.conftest import Authority, Issue

IMAGES = Path(__file__).parents[2] / "assets/images"
SCRIPTS = IMAGES / "external-base/root/opt/spire/bin"
GOOD = {
    "WORKLOAD_NAME": "smiley",
    "WORKLOAD_NAMESPACE": "faces",
    "NODE_NAME": "smiley-docker-ext1",
    "SPIRE_SERVER": "172.31.250.10:30081",
    "POD_ROUTES": "10.42.0.0/24=172.31.250.10 10.42.1.0/24=172.31.250.11",
    "SVC_CIDR": "10.43.0.0/16",
}
PROGRAMS = {"iptables": "exit 0", "setpriv": 'shift $(($# - 1)); echo "$1"; env'}


class Machine:
    """What a container would hold, in a directory of the test's own."""

    def __init__(self, directory: Path, issue: Issue) -> None:
        self.directory = directory
        self.issue = issue
        self.spire = directory / "spire"
        self.start = directory / "start"
        (self.spire / "certs").mkdir(parents=True)
        (self.spire / "identity").mkdir()
        self.key = self.spire / "identity/device.key"
        self.certify("smiley")
        (self.spire / "certs/ca.crt").write_text(issue("root").pem)
        self.start.write_text("#!/bin/sh\n")
        self.start.chmod(0o755)
        (directory / "bin").mkdir()
        for name, body in PROGRAMS.items():
            self.program(name, body)

    def certify(self, name: str, **kind: int) -> Authority:
        made = self.issue(name, by=self.issue("device authority"), authority=False, **kind)
        self.key.write_text(made.key_pem)
        (self.spire / "certs/device.crt").write_text(made.pem)
        return made

    def program(self, name: str, body: str) -> None:
        file = self.directory / "bin" / name
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(0o755)

    def run(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """The script with nothing in its environment but what is given here; an empty value is an absent one."""
        path = os.pathsep.join([str(self.directory / "bin"), str(SCRIPTS), "/usr/bin", "/bin"])
        places = {"SPIRE_DIRECTORY": str(self.spire), "WORKLOAD_START": str(self.start)}
        given = {name: value for name, value in {**GOOD, **environment}.items() if value}
        return subprocess.run(
            [SCRIPTS / script],
            env={"PATH": path, **places, **given},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path, issue: Issue) -> Machine:
    return Machine(tmp_path, issue)


def test_every_shell_script_of_the_images_passes_shellcheck() -> None:
    scripts = [
        file for file in IMAGES.rglob("*") if file.is_file() and file.read_bytes()[:7] in (b"#!/bin/", b"#!/usr/")
    ]
    assert {"bootstrap", "run-proxy", "start", "dns-forwarder"} <= {script.name for script in scripts}
    done = subprocess.run(
        [Path(sys.executable).with_name("shellcheck"), *scripts], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert all(os.access(script, os.X_OK) for script in scripts)


def test_a_container_with_all_it_needs_passes_the_check(machine: Machine) -> None:
    done = machine.run("check")
    assert (done.returncode, done.stderr) == (0, "")


def test_all_problems_are_told_at_once_and_nothing_is_started(machine: Machine) -> None:
    machine.program("redirect", "echo REDIRECTED")
    machine.program("iptables", "echo no right >&2; exit 4")
    for file in (machine.key, machine.spire / "certs/device.crt", machine.spire / "certs/ca.crt", machine.start):
        file.unlink()
    done = machine.run("bootstrap", **dict.fromkeys(GOOD, ""))
    assert done.returncode == 1
    for told in ("WORKLOAD_NAME", "WORKLOAD_NAMESPACE", "NODE_NAME", "SPIRE_SERVER", "ca.crt", "device.crt", "device.key",
                 str(machine.start), "--cap-add NET_ADMIN", "9 problem(s)"):  # fmt: skip
        assert told in done.stderr
    assert done.stderr.count("expected: ") == done.stderr.count("fix: ") == 9
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("WORKLOAD_NAME", "Smiley"),
        ("WORKLOAD_NAME", "smiley_1"),
        ("WORKLOAD_NAME", "s" * 64),
        ("WORKLOAD_NAME", "smiley\nroot"),
        ("WORKLOAD_NAMESPACE", "faces/evil"),
        ("NODE_NAME", "$(hostname)"),
        ("NODE_NAME", 'x","ns":"other'),
        ("SPIRE_SERVER", "172.31.250.10"),
        ("WORKLOAD_PORT", "http"),
        ("POD_ROUTES", "10.42.0.0/24"),
        ("POD_ROUTES", "10.42.0.0/24=node"),
        ("SVC_CIDR", "10.43.0.0"),
        ("POD_CIDR", "10.42.0.0/24"),
        ("NODE_IP", "cluster-3"),
        ("NAMESERVERS", "172.31.250.40 resolver"),
        ("CONTROLLERS", "cluster-3"),
    ],
)
def test_a_bad_value_is_named_with_what_is_expected(machine: Machine, variable: str, value: str) -> None:
    done = machine.run("check", **{variable: value})
    assert done.returncode == 1
    assert variable in done.stderr
    assert "1 problem(s)" in done.stderr or variable == "WORKLOAD_NAME", done.stderr


def test_an_authoritys_key_on_the_machine_stops_the_start(machine: Machine) -> None:
    (machine.spire / "certs/ca.key").write_text("key")
    done = machine.run("check")
    assert done.returncode == 1
    assert "ca.key is there" in done.stderr


def _expired(machine: Machine) -> None:
    machine.certify("smiley", days=3, since=-9)


def _from_the_future(machine: Machine) -> None:
    machine.certify("smiley", since=5)


def _anothers(machine: Machine) -> None:
    machine.certify("color")


def _of_another_key(machine: Machine) -> None:
    machine.key.write_text(machine.issue("other").key_pem)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_expired, "certificate has expired"),
        (_from_the_future, "certificate is not yet valid"),
        (_anothers, "is for 'color'"),
        (_of_another_key, "does not belong to"),
    ],
)
def test_a_certificate_that_cannot_attest_is_told_before_the_agent_tries(
    machine: Machine, spoil: Callable[[Machine], None], told: str
) -> None:
    spoil(machine)
    done = machine.run("check")
    assert done.returncode == 1
    assert told in done.stderr and "1 problem(s)" in done.stderr


def _proxy_environment(machine: Machine, **more: str) -> dict[str, str]:
    done = machine.run("run-proxy", LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS="PEM", **more)
    assert done.returncode == 0, done.stderr
    program, *lines = done.stdout.splitlines()
    assert program == "/opt/mesh-expansion/bin/linkerd2-proxy"
    pairs = (line.split("=", 1) for line in lines if line.startswith("LINKERD2_PROXY_"))
    return {name.removeprefix("LINKERD2_PROXY_"): value for name, value in pairs}


def test_the_proxy_is_told_who_it_is_by_both_names_and_lets_nobody_in_by_default(machine: Machine) -> None:
    seen = _proxy_environment(machine)
    assert seen["IDENTITY_SERVER_ID"] == "spiffe://root.linkerd.cluster.local/smiley"
    assert seen["IDENTITY_SERVER_NAME"] == "smiley.cluster.local"
    assert (
        seen["IDENTITY_SPIRE_SOCKET"]
        == seen["IDENTITY_SPIRE_WORKLOAD_API_ADDRESS"]
        == "unix:///run/mesh-expansion/agent.sock"
    )
    assert seen["INBOUND_DEFAULT_POLICY"] == "deny"
    assert seen["POLICY_WORKLOAD"] == '{"ns":"faces","external_workload":"smiley"}'
    assert seen["DESTINATION_CONTEXT"] == '{"ns":"faces","external_workload":"smiley","nodeName":"smiley-docker-ext1"}'
    assert {seen["ADMIN_LISTEN_ADDR"], seen["CONTROL_LISTEN_ADDR"]} == {"127.0.0.1:4191", "127.0.0.1:4190"}


def test_a_control_plane_at_another_address_brings_its_own_names(machine: Machine) -> None:
    usual = _proxy_environment(machine)
    assert usual["POLICY_SVC_NAME"].startswith("linkerd-destination.")
    near = _proxy_environment(
        machine,
        LINKERD2_PROXY_POLICY_SVC_ADDR="127.0.0.1:8090",
        LINKERD2_PROXY_DESTINATION_SVC_ADDR="127.0.0.1:8086",
        LINKERD2_PROXY_LOG="debug",
    )
    assert near["POLICY_SVC_ADDR"] == "127.0.0.1:8090"
    assert not {"POLICY_SVC_NAME", "DESTINATION_SVC_NAME"} & set(near)
    assert near["LOG"] == "debug"


def test_without_a_workload_the_image_says_so() -> None:
    done = subprocess.run([IMAGES / "external-base/root/workload/start"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "NO WORKLOAD IS PRESENT\n")


def test_images_are_made_of_the_versions_of_this_program() -> None:
    base, workload = ((IMAGES / name / "Dockerfile").read_text() for name in ("external-base", "workload"))
    bake = (IMAGES / "docker-bake.hcl").read_text()
    assert f"cr.l5d.io/linkerd/proxy:{versions.LINKERD}\n" in base
    assert f"faces-smiley:{versions.FACES_CHART}\n" in workload
    assert re.search(rf'"LINKERD" +{{ default = "{versions.LINKERD}" }}', bake)
    assert re.search(rf'"FACES" +{{ default = "{versions.FACES_CHART}" }}', bake)


def test_no_image_needs_a_frontend_from_a_registry() -> None:
    for dockerfile in IMAGES.glob("*/Dockerfile"):
        assert "syntax=" not in dockerfile.read_text()


def test_the_release_of_spire_is_not_unpacked_unless_its_checksum_is_given(machine: Machine) -> None:
    machine.program("curl", "echo DOWNLOADED")
    for missing in ({"SPIRE_VERSION": "1.14.6"}, {"SPIRE_SHA256_AMD64": "a" * 64}):
        done = machine.run(str(IMAGES / "external-base/fetch-spire"), TARGETARCH="amd64", **missing)
        assert done.returncode == 1
        assert "pass --build-arg SPIRE_" in done.stderr and "DOWNLOADED" not in done.stdout
