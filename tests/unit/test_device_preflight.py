"""What is wrong with a machine, and the way to mend it, by the script that looks at one."""

from pathlib import Path

import pytest

from tests.unit.device_fixtures import SCRIPTS, sh

FUNCTIONS = "".join((SCRIPTS / name).read_text() for name in ("common", "preflight"))
GIVEN = """
WORKLOAD=smiley PORT=8000 ADDRESSES='' NODES='' NOT_BEFORE=0 NOT_AFTER=4000000000 ARCHITECTURES='amd64 arm64' PUSHED='' SERVER_PORT=''
problems=0
uname() { echo aarch64; }
"""
# What a machine may be like that nothing runs on.
FULL = "df() { printf 'Filesystem\\n/dev/root 1000 988 12 99%% /\\n'; }"
TAKEN = """ss() {
    case $* in
        *:8000) echo 'LISTEN 0 1 *:8000 *:* users:(("nginx",pid=1,fd=3))' ;;
    esac
}
ours() { false; }"""
LATE = 'date() { if [ $# = 1 ]; then echo 5000000000; else command date "$@"; fi; }'


def _problems(script: str) -> list[str]:
    """What a script of checks and of functions in the place of programs says; each with what is expected and a fix."""
    lines = sh(f"{FUNCTIONS}{GIVEN}{script}\n").stderr.splitlines()
    found = [line.removeprefix("problem: ") for line in lines if line.startswith("problem: ")]
    assert all("; expected " in line and "; fix: " in line for line in found), found
    return found


def test_a_machine_of_another_architecture_is_refused() -> None:
    assert _problems("check_architecture") == []
    (text,) = _problems("uname() { echo riscv64; }\ncheck_architecture")
    assert text.startswith("architecture: riscv64; expected amd64 arm64; ")
    (text,) = _problems("ARCHITECTURES=amd64\ncheck_architecture")
    assert text.startswith("architecture: arm64; expected amd64; ")
    (text,) = _problems("PUSHED=amd64\ncheck_architecture")
    assert text.startswith("artefacts: made for amd64; expected arm64, as this machine is; ")


def test_every_missing_program_is_named_with_the_package_that_has_it(tmp_path: Path) -> None:
    found = _problems(f"PATH={tmp_path}\ncheck_programs")
    named = {line.partition(":")[0]: line.rpartition(" ")[2] for line in found}
    assert named["podman"] == "podman"
    assert named["ss"] == "iproute2"
    assert len(named) == 13


@pytest.mark.parametrize(("version", "fine"), [("3.0.1", False), ("3.4.4", True), ("4.10.0", True)])
def test_a_podman_that_is_too_old_is_refused(version: str, *, fine: bool) -> None:
    found = _problems(f"podman() {{ echo podman version {version}; }}\ncheck_programs")
    said = [line for line in found if line.startswith("podman: ")]
    assert said == ([] if fine else [f"podman: {version}; expected 3.4 or later; fix: upgrade the operating system"])


def test_a_disk_that_is_full_is_refused() -> None:
    assert _problems(f"{FULL}\ncheck_space") == [
        f"free space on {place}: 12 MB; expected 500 MB; fix: remove what is not needed" for place in ("/opt", "/var")
    ]


def test_a_clock_outside_of_the_trust_anchors_life_is_refused() -> None:
    assert _problems("check_clock") == []
    (text,) = _problems(f"{LATE}\ncheck_clock")
    assert text.startswith(
        "clock: 2128-06-11T08:53:20Z; expected between 1970-01-01T00:00:00Z and 2096-10-02T07:06:40Z, "
    )
    (early,) = _problems("NOT_BEFORE=3999999999\ncheck_clock")
    assert early.startswith("clock: ")


def test_a_port_that_somebody_has_is_refused_with_the_process() -> None:
    assert _problems(f"{TAKEN}\ncheck_ports") == [
        "port 8000: taken by nginx (pid 1); expected it free; fix: stop that process"
    ]
    assert _problems(f"{TAKEN}\nours() {{ true; }}\ncheck_ports") == []


def test_everything_is_said_at_once_and_nothing_is_changed(tmp_path: Path) -> None:
    machine = f"uname() {{ echo riscv64; }}\n{FULL}\n{TAKEN}\n{LATE}\nPATH={tmp_path}:$PATH"
    found = _problems(f"{machine}\nat_least() {{ false; }}\npodman() {{ :; }}\npreflight && echo 'problem: fine' >&2")
    kinds = {line.partition(":")[0] for line in found}
    assert kinds >= {"architecture", "podman", "clock", "free space on /opt", "port 8000"}
    assert "fine" not in kinds
    assert list(tmp_path.iterdir()) == []
