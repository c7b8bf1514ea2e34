"""What a device was given, read back out of the text that was sent, and held against what a machine says it has."""

import hashlib
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.edge.assets import device_assets
from domain import drift
from domain.bundle import bundle, converge_stdin
from domain.device import DeviceAssets, LocalServer
from domain.drift import Found, compare_stdin, differences
from domain.written import WrittenFile, written
from lab.status import machines
from tests.unit.device_fixtures import SHA256, device, sh

SHELLCHECK = Path(sys.executable).parent / "shellcheck"
SENT = converge_stdin(bundle(device(), device_assets()), device_assets())
WRITTEN = written(SENT)
FILES = {file.path: file for file in WRITTEN.files}
PROXY, AGENT = "/opt/mesh-expansion/bin/linkerd2-proxy", "/opt/mesh-expansion/bin/spire-agent"
KEY = "/etc/mesh-expansion/device.key"
IMAGE = "c" * 64


def _as_written(**changed: Any) -> Found:
    """A machine that has everything; `changed` facts, modes, sums or units."""
    regular = {file.path: (stat.S_IFREG | file.mode, file.owner) for file in WRITTEN.files}
    programs = dict.fromkeys((PROXY, AGENT), (stat.S_IFREG | 0o755, "root:root"))
    there = Found(
        facts={
            "member": "smiley",
            "quadlet": "yes",
            "artefact-linkerd2-proxy": f"{SHA256} - {SHA256}",
            "artefact-spire-agent": f"{SHA256} bin/spire-agent {'a' * 64}",
            "image": f"{WRITTEN.image} {IMAGE}",
            "current": IMAGE,
            "running": IMAGE,
            "end": "",
        },
        modes={**regular, **programs, KEY: (stat.S_IFREG | 0o600, "mesh-agent:mesh-agent")},
        sums={**{file.path: file.sha256 for file in WRITTEN.files}, PROXY: SHA256, AGENT: "a" * 64},
        units={unit: {"ActiveState": "active", "UnitFileState": "enabled"} for unit in WRITTEN.units},
    )
    return replace(there, **{name: {**getattr(there, name), **values} for name, values in changed.items()})


def test_what_was_written_is_read_back_out_of_the_text_that_was_sent() -> None:
    assert WRITTEN.workload == "smiley"
    assert [(artefact.name, artefact.member) for artefact in WRITTEN.artefacts] == [
        ("linkerd2-proxy", "-"),
        ("spire-agent", "bin/spire-agent"),
    ]
    assert WRITTEN.image == f"example.com/faces:1 {SHA256}"
    assert "mesh-expansion-proxy.service" in WRITTEN.units
    assert "mesh-expansion-watch.timer" in WRITTEN.units
    assert FILES["/etc/mesh-expansion/workload.env"].mode == 0o600
    assert FILES["/opt/mesh-expansion/bin/watch"].mode == 0o755
    assert FILES["/etc/mesh-expansion/trust-anchors.pem"].sha256 == hashlib.sha256(b"ANCHORS\n").hexdigest()


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_characters="\0", codec="utf-8")))
def test_the_checksum_of_a_file_is_that_of_the_bytes_that_were_sent_whatever_is_in_it(content: str) -> None:
    assets = DeviceAssets(prepare="", converge="", leave="", files={"/etc/some-file": content})
    (file,) = [file for file in written(converge_stdin(bundle(device(), assets), assets)).files if "some" in file.path]
    assert file.sha256 == hashlib.sha256(content.encode()).hexdigest()


@pytest.mark.parametrize("text", ["", "sh", SENT[: SENT.rindex("end\n")], SENT.replace("bundle 1\n", "bundle 2\n")])
def test_a_text_that_holds_no_whole_bundle_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no whole 'bundle 1'"):
        written(text)


def test_a_bundle_with_entries_of_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match="other entries"):
        written(SENT.replace("\nfile 0644 root:root", "\nfile 0644"))


def test_a_machine_with_everything_as_it_was_written_does_not_differ() -> None:
    assert differences(WRITTEN, _as_written()) == []


def test_a_file_is_for_one_kind_of_podman_and_missed_on_no_other() -> None:
    quadlet = "/etc/containers/systemd/mesh-expansion-workload.container"
    plain = "/etc/systemd/system/mesh-expansion-workload.service"
    for fact, needed, other in (("yes", quadlet, plain), ("no", plain, quadlet)):
        there = _as_written(facts={"quadlet": fact})
        without = {path: mode for path, mode in there.modes.items() if path != other}
        assert differences(WRITTEN, replace(there, modes=without)) == []
        without = {path: mode for path, mode in there.modes.items() if path != needed}
        assert differences(WRITTEN, replace(there, modes=without)) == [f"{needed} is missing"]


ROUTES, UNIT = "/etc/mesh-expansion/routes", "mesh-expansion-proxy.service"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"sums": {ROUTES: "0" * 64}}, f"{ROUTES} has other contents"),
        ({"sums": {ROUTES: None}}, f"{ROUTES} has other contents"),
        ({"modes": {ROUTES: (stat.S_IFREG | 0o666, "root:root")}}, f"{ROUTES} has mode 0666 instead of 0644"),
        ({"modes": {ROUTES: (stat.S_IFREG | 0o644, "pi:pi")}}, f"{ROUTES} belongs to pi:pi instead of root:root"),
        ({"modes": {ROUTES: (stat.S_IFLNK | 0o777, "root:root")}}, f"{ROUTES} is no regular file"),
        ({"modes": {KEY: (stat.S_IFREG | 0o644, "mesh-agent:mesh-agent")}}, f"{KEY} has mode 0644 instead of 0600"),
        ({"sums": {PROXY: "0" * 64}}, f"{PROXY} is another program"),
        ({"sums": {AGENT: SHA256}}, f"{AGENT} is another program"),
        ({"facts": {"artefact-spire-agent": f"{'0' * 64} bin/spire-agent {'a' * 64}"}}, f"{AGENT} is another program"),
        ({"facts": {"artefact-spire-agent": ""}}, f"{AGENT} is another program"),
        ({"facts": {"image": f"example.com/faces:2 - {IMAGE}"}}, "the workload's image is another one"),
        ({"facts": {"current": "d" * 64}}, "the workload's image is another one"),
        ({"facts": {"current": ""}}, "the workload's image is gone"),
        ({"facts": {"running": "d" * 64}}, "the workload runs another image than the one that was written"),
        ({"facts": {"member": "color"}}, "the machine is prepared as workload color"),
        ({"facts": {"member": ""}}, "the machine is not in the mesh"),
        ({"units": {UNIT: {"ActiveState": "failed", "UnitFileState": "enabled"}}}, f"{UNIT} is failed"),
        ({"units": {UNIT: {"ActiveState": "active", "UnitFileState": "disabled"}}}, f"{UNIT} is disabled"),
        (
            {
                "units": {
                    UNIT: {
                        "ActiveState": "active",
                        "UnitFileState": "enabled",
                        "DropInPaths": "/usr/lib/systemd/system/service.d/10-timeout.conf"
                        f" /etc/systemd/system/{UNIT}.d/override.conf",
                    }
                }
            },
            f"/etc/systemd/system/{UNIT}.d/override.conf was added by hand",
        ),
    ],
)
def test_every_kind_of_difference_is_said_by_its_name(changed: dict[str, Any], said: str) -> None:
    assert differences(WRITTEN, _as_written(**changed)) == [said]


def test_a_key_that_was_lost_is_said_and_so_is_that_of_an_authority_where_there_is_one() -> None:
    there = _as_written()
    without = {path: mode for path, mode in there.modes.items() if path != KEY}
    assert differences(WRITTEN, replace(there, modes=without)) == [f"{KEY} is missing"]
    own = device(server=LocalServer(chain_pem="CHAIN", device_ca_pem="CA"))
    bundled = written(converge_stdin(bundle(own, device_assets()), device_assets()))
    assert "key /etc/mesh-expansion/intermediate.key" in compare_stdin(bundled, "")
    assert "key /etc/mesh-expansion/intermediate.key" not in compare_stdin(WRITTEN, "")


def test_no_checksum_of_a_key_and_no_content_leaves_the_machine() -> None:
    sent = compare_stdin(WRITTEN, "")
    assert f"file {KEY}" not in sent
    assert all(file.sha256 not in sent for file in WRITTEN.files)
    assert "|" not in sent


class Machine:
    """A directory that stands for a machine, with programs that stand for systemd and podman."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "state").mkdir()
        self.file, self.key, self.link = root / "file", root / "key", root / "link"
        self.file.write_text("as written\n")
        self.key.write_text("a private key")
        self.link.symlink_to(self.file)
        for path, mode in ((self.file, 0o640), (self.key, 0o600)):
            path.chmod(mode)

    def compare(self) -> subprocess.CompletedProcess[str]:
        files = [
            WrittenFile(path=str(path), mode=0o640, owner="root:root", when="always", sha256="")
            for path in (self.file, self.link, self.root / "missing")
        ]
        wanted = replace(WRITTEN, files=tuple(files), artefacts=(), units=("a.service", "b.timer"))
        played = (
            f"state={self.root}/state\n"
            'systemctl() { echo "systemctl $*" >>"$state/asked"; printf "Id=a.service\\nActiveState=active\\n\\n'
            'Id=b.timer\\nActiveState=failed\\n"; }\n'
            "podman() { case $* in --version) echo podman version 4.3.1 ;; image*) echo one ;; *) return 125 ;; esac; }\n"
        )
        script = compare_stdin(wanted, machines.functions() + played)
        return sh(script.replace(f"key {KEY}", f"key {self.key}"))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_machine_says_how_everything_is_that_was_asked_for(machine: Machine) -> None:
    (machine.root / "state" / "workload").write_text("smiley\n")
    (machine.root / "state" / "artefact-spire-agent").write_text("one two three\n")
    done = machine.compare()
    assert done.returncode == 0, done.stderr
    found = drift.found(done.stdout)
    owner = f"{machine.file.owner()}:{machine.file.group()}"
    assert found.modes[str(machine.file)] == (stat.S_IFREG | 0o640, owner)
    assert stat.S_ISLNK(found.modes[str(machine.link)][0])
    assert found.sums[str(machine.file)] == hashlib.sha256(b"as written\n").hexdigest()
    assert found.modes[str(machine.key)] == (stat.S_IFREG | 0o600, owner)
    assert str(machine.key) not in found.sums
    assert str(machine.root / "missing") not in {**found.modes, **found.sums}
    assert {unit: found.units[unit]["ActiveState"] for unit in found.units} == {
        "a.service": "active",
        "b.timer": "failed",
    }
    assert found.facts["member"] == "smiley"
    assert found.facts["quadlet"] == "no"
    assert found.facts["artefact-spire-agent"] == "one two three"
    assert (found.facts["current"], found.facts["running"]) == ("one", "")
    assert "end" in found.facts
    assert "as written" not in done.stdout


def test_asking_changes_nothing_on_a_machine(machine: Machine) -> None:
    def seen() -> dict[str, tuple[int, int]]:
        return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_mode) for path in machine.root.rglob("*")}

    before = seen()
    machine.compare()
    asked = machine.root / "state" / "asked"
    assert all(line.startswith("systemctl show ") for line in asked.read_text().splitlines())
    asked.unlink()
    assert seen().keys() == before.keys()
    assert {path: after for path, after in seen().items() if after != before[path]}.keys() <= {str(asked.parent)}


def test_a_bare_machine_says_that_nothing_is_there(machine: Machine) -> None:
    for path in (machine.file, machine.link, machine.key):
        path.unlink()
    found = drift.found(machine.compare().stdout)
    assert not found.modes
    assert not found.sums
    assert found.facts["member"] == ""
    assert "end" in found.facts


def test_a_text_that_was_cut_short_asks_nothing(machine: Machine) -> None:
    script = compare_stdin(WRITTEN, machines.functions())
    assert not sh(script[: script.rindex("}")]).stdout


def test_the_script_is_without_a_finding() -> None:
    command = [str(SHELLCHECK), "--shell=sh", "--exclude=SC2034,SC2317,SC2329", "-"]
    script = compare_stdin(WRITTEN, machines.functions())
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    assert not done.stdout, done.stdout
