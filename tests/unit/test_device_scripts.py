"""What a device's scripts do with files, artefacts and their record, by the shell that runs them."""

import hashlib
import io
import json
import platform
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.edge.assets import device_assets
from tests.unit.device_fixtures import SCRIPTS, sh

NAMES = ("common", "read", "artefacts", "image", "files", "units", "converge")
SHELLCHECK = Path(sys.executable).parent / "shellcheck"
ELF = bytes.fromhex("7f454c46020101000000000000000000")


class Machine:
    """A directory that stands for a device's file system, and the functions of `converge` in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("state", "bin", "work"):
            (root / name).mkdir()
        (root / "state" / "record").touch()

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        functions = "".join((SCRIPTS / name).read_text() for name in NAMES)
        places = "".join(
            f"{name}={self.root / path}\n"
            for name, path in {
                "state": "state",
                "record": "state/record",
                "data": ".",
                "binaries": "bin",
                "work": "work",
            }.items()
        )
        return sh(f"{functions}{places}systemctl() {{ echo systemctl $*; }}\n{script}")

    def install(self, content: str, mode: str = "0644", parts: str = "proxy") -> subprocess.CompletedProcess[str]:
        """Installs `file` with that content."""
        (self.root / "content").write_text(content)
        return self.run(f'install_file {mode} "$(id -un):$(id -gn)" {parts} {self.root}/etc/file {self.root}/content')

    def artefact(self, checksum: str, source: Path, member: str = "-") -> subprocess.CompletedProcess[str]:
        return self.run(f"install_artefact linkerd2-proxy proxy {checksum} pushed:{source} {member}")

    @property
    def file(self) -> Path:
        return self.root / "etc" / "file"

    @property
    def program(self) -> Path:
        return self.root / "bin" / "linkerd2-proxy"

    def lines(self, name: str) -> list[str]:
        path = self.root / "state" / name
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _pushed(machine: Machine, content: bytes) -> tuple[str, Path]:
    path = machine.root / "pushed"
    path.write_bytes(content)
    return _sha256(content), path


def test_a_file_is_said_to_have_changed_once(machine: Machine) -> None:
    assert machine.install("one\n").stdout == f"changed: {machine.file}\n"
    assert machine.file.read_text() == "one\n"
    assert machine.install("one\n").stdout == ""
    assert machine.install("two\n").stdout == f"changed: {machine.file}\n"
    assert machine.install("two\n", mode="0600").stdout == f"changed: {machine.file}\n"
    assert machine.file.stat().st_mode & 0o777 == 0o600


def test_what_reads_a_changed_file_starts_again_even_if_the_run_is_cut_off_before(machine: Machine) -> None:
    machine.install("one\n", parts="agent,proxy")
    assert machine.lines("pending") == ["agent", "proxy"]
    # The next run finds no difference, and the parts are still due.
    machine.install("one\n", parts="agent,proxy")
    assert machine.run("is_pending agent && is_pending proxy && ! is_pending workload").returncode == 0


def test_a_file_is_replaced_by_a_rename_and_never_written_through_a_link(machine: Machine) -> None:
    machine.install("one\n")
    other = machine.root / "other"
    other.write_text("two\n")
    machine.file.unlink()
    machine.file.symlink_to(other)
    machine.install("three\n")
    assert not machine.file.is_symlink()
    assert machine.file.read_text() == "three\n"
    assert other.read_text() == "two\n"
    with machine.file.open() as reader:
        machine.install("four\n")
        assert reader.read() == "three\n"
    assert [path.name for path in machine.file.parent.iterdir()] == ["file"]


def test_what_was_made_is_remembered_so_that_it_can_be_taken_out(machine: Machine) -> None:
    machine.install("one\n")
    assert machine.lines("record") == [f"file proxy {machine.file}", f"directory {machine.file.parent}"]


def test_what_an_older_bundle_installed_goes(machine: Machine) -> None:
    machine.install("one\n")
    (machine.root / "work" / "wanted").write_text("/etc/other\n")
    assert machine.run("remove_unwanted").stdout == f"changed: {machine.file} removed\n"
    assert not machine.file.exists()
    assert f"file proxy {machine.file}" not in machine.lines("record")
    assert machine.run("remove_unwanted").stdout == ""


def test_a_program_with_the_right_checksum_is_put_in_place_once(machine: Machine) -> None:
    checksum, path = _pushed(machine, b"#!/bin/sh\n")
    assert machine.artefact(checksum, path).stdout == f"changed: {machine.program} {checksum}\n"
    assert machine.program.stat().st_mode & 0o777 == 0o755
    path.unlink()
    assert machine.artefact(checksum, path).returncode == 0, "what is in place needs no second push"
    machine.program.write_text("something else")
    done = machine.artefact(checksum, path)
    assert done.returncode == 1
    assert f"{path} cannot be read; expected the pushed file; fix: " in done.stderr


def test_a_wrong_checksum_is_refused_with_both_and_the_old_program_stays(machine: Machine) -> None:
    checksum, path = _pushed(machine, b"old")
    machine.artefact(checksum, path)
    found, path = _pushed(machine, b"new")
    done = machine.artefact("0" * 64, path)
    assert done.returncode == 1
    assert f"is {found}; expected {'0' * 64}; fix: " in done.stderr
    assert machine.program.read_bytes() == b"old"
    assert sorted(path.name for path in (machine.root / "bin").iterdir()) == ["linkerd2-proxy"]


def test_a_member_is_taken_out_of_an_archive(machine: Machine) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo("spire/bin/agent")
        entry.size = 5
        archive.addfile(entry, io.BytesIO(b"agent"))
    checksum, path = _pushed(machine, buffer.getvalue())
    assert machine.artefact(checksum, path, "spire/bin/agent").returncode == 0
    assert machine.program.read_bytes() == b"agent"
    done = machine.artefact(checksum, path, "spire/bin/server")
    assert "has no member spire/bin/server; fix: " in done.stderr
    assert machine.program.read_bytes() == b"agent"


def test_a_program_for_another_processor_is_refused(machine: Machine) -> None:
    foreign = "b700" if platform.machine() == "x86_64" else "3e00"
    checksum, path = _pushed(machine, ELF + b"\2\0" + bytes.fromhex(foreign))
    done = machine.artefact(checksum, path)
    assert f"expected {platform.machine()}, as this machine is; fix: " in done.stderr
    assert not machine.program.exists()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(st.characters(min_codepoint=32, codec="utf-8")), min_size=1))
def test_text_becomes_one_json_string(lines: list[str]) -> None:
    text = "\n".join(lines)
    functions = (SCRIPTS / "prepare").read_text()
    assert json.loads(sh(f"{functions}json_string", stdin=f"{text}\n").stdout) == text


def test_scripts_are_without_a_finding() -> None:
    assets = device_assets()
    scripts = [assets.prepare, assets.converge, assets.leave]
    files = {**assets.files, **assets.bundled}
    scripts += [text for path, text in files.items() if path.startswith("/opt/mesh-expansion/bin/")]
    assert len(scripts) > 10
    for script in scripts:
        done = subprocess.run(
            [SHELLCHECK, "--shell=sh", "-"], input=script, capture_output=True, text=True, check=False
        )
        assert not done.stdout, done.stdout


def test_every_script_that_a_unit_runs_is_there() -> None:
    files = {**device_assets().files, **device_assets().bundled}
    programs = {f"/opt/mesh-expansion/bin/{name}" for name in ("spire-agent", "spire-server")} | {"/usr/bin/podman"}
    for path, text in files.items():
        if not path.startswith("/etc/"):
            continue
        for line in text.splitlines():
            if line.startswith("Exec"):
                assert line.partition("=")[2].split(" ")[0] in {*files, *programs}, f"{path}: {line}"
