"""Machines that are not as they should be: said in time and in words, without keeping the others back."""

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.twin.conftest import Lab
from tests.twin.edge import Edge, eventually, rig_of

pytestmark = pytest.mark.twin


@pytest.fixture(scope="module")
def edge(new_lab: Callable[..., Lab]) -> Iterator[Edge]:
    """Two bare devices; the tests follow one another as an operator's day would."""
    lab = new_lab(devices=True)
    lab("twin", "up")
    yield Edge(lab, rig_of(lab))
    lab("twin", "down", ok=False)


def _workload(edge: Edge, index: int, **changes: Any) -> None:
    def change(config: dict[str, Any]) -> None:
        workload = config["mesh-expansion:workloads"][index]
        workload.update(changes)
        for key in [key for key, value in changes.items() if value is None]:
            del workload[key]

    edge.lab.configure(change)


@contextlib.contextmanager
def _broken(edge: Edge, name: str) -> Iterator[None]:
    """A clock a year ahead of the certificates, no podman, somebody else on the port, no room."""
    edge.rig.run(
        name,
        "mv /usr/bin/podman /usr/bin/podman.away;"
        "printf '#!/bin/sh\\necho 4102444800\\n' >/usr/local/bin/date; chmod +x /usr/local/bin/date;"
        "mount -t tmpfs -o size=1m none /opt;"
        "systemd-run --quiet --unit=squatter sh -c 'while :; do openssl s_server -accept 8000 -nocert; done'",
    )
    try:
        yield
    finally:
        edge.rig.run(
            name,
            "mv /usr/bin/podman.away /usr/bin/podman; rm /usr/local/bin/date; umount /opt;"
            "systemctl stop squatter; systemctl reset-failed",
        )


def test_everything_wrong_with_a_machine_is_listed_at_once_and_the_others_join(edge: Edge) -> None:
    _workload(edge, 0, device={"architecture": "arm64"})
    with _broken(edge, "smiley"):
        text = edge.lab("up", ok=False).text
    _workload(edge, 0, device={})
    said = [line for line in text.splitlines() if "problem:" in line and "fix:" in line]
    expected = ("architecture", "podman", "clock", "free space on /opt", "port 8000")
    assert [words for words in expected if not any(words in line for line in said)] == [], text
    assert edge.ready("color")
    assert not edge.ready("smiley")
    assert edge.rig.run("smiley", "ls /etc/mesh-expansion /opt/mesh-expansion 2>/dev/null || true") == ""


# In the place of `mv`: before one file of many is put in place, the connection breaks, and what ran over it dies.
_CUT = """#!/bin/sh
case $* in
    */bin/run-proxy)
        rm /usr/local/bin/mv
        pkill -KILL -f '[s]shd: root'
        kill -KILL $PPID
        exit 1
        ;;
esac
exec /usr/bin/mv "$@"
"""


def test_a_connection_that_breaks_half_way_is_finished_by_the_next_up(edge: Edge) -> None:
    edge.rig.run("smiley", f"cat >/usr/local/bin/mv <<'END'\n{_CUT}END\nchmod +x /usr/local/bin/mv")
    run = edge.lab("up", ok=False)
    assert run.status != 0, run.text
    programs = edge.rig.run("smiley", "ls /opt/mesh-expansion/bin /usr/local/bin").split()
    assert "redirect" in programs
    assert not {"run-proxy", "watch", "mv"} & set(programs)
    edge.lab("up")
    assert edge.ready("smiley")
    assert edge.well("smiley")


def test_a_dead_machine_is_reported_in_half_a_minute_and_the_others_converge(edge: Edge) -> None:
    for index in (0, 1):
        _workload(edge, index, environment={"ERROR_FRACTION": "0"})
    # Nothing comes back, not even a refusal: only the program's own patience ends the wait.
    silence = "INPUT -p tcp --dport 22 -j DROP"
    events = edge.lab.directory / "events"
    edge.rig.run("color", f"iptables -I {silence}")
    try:
        # Plain pulumi: `lab up` would mend the machine.
        command = f"PULUMI_DEBUG_COMMANDS=true pulumi up --yes --skip-preview -s twin --event-log {events}"
        run = edge.lab.shell(command, ok=False)
    finally:
        edge.rig.run("color", f"iptables -D {silence}")
    assert run.status != 0
    assert "color-device-parts" in run.text
    assert edge.addresses["color"] in run.text
    assert _seconds_until_failure(events, "color-device-parts") < 30
    assert "ERROR_FRACTION=0" in edge.rig.run("smiley", "podman inspect mesh-expansion-workload")
    edge.lab("up")
    assert "ERROR_FRACTION=0" in edge.rig.run("color", "podman inspect mesh-expansion-workload")


def _seconds_until_failure(events: Path, name: str) -> int:
    """How long the engine worked on a resource before it gave up, as its log of events says."""
    at: dict[str, int] = {}
    for line in events.read_text().splitlines():
        event = json.loads(line)
        for kind in ("resourcePreEvent", "resOpFailedEvent"):
            if event.get(kind, {}).get("metadata", {}).get("urn", "").endswith(f"::{name}"):
                at[kind] = event["timestamp"]
    return at["resOpFailedEvent"] - at["resourcePreEvent"]


def test_a_machine_that_gets_another_address_keeps_its_key_its_certificate_and_its_workload(edge: Edge) -> None:
    old, device = edge.addresses["smiley"], edge.rig.describe().devices["smiley"]
    new = f"{old.rsplit('.', 1)[0]}.200"
    lookup = (
        "get",
        "externalworkload",
        "smiley",
        "-n",
        "faces",
        "-o",
        "jsonpath={.metadata.uid} {.spec.workloadIPs[0].ip}",
    )
    uid = edge.lab.kubectl(*lookup).split()[0]
    certificate = edge.digest("smiley", "/etc/mesh-expansion/device.crt")
    edge.rig.run("smiley", _move(old, new))
    try:
        _workload(edge, 0, addresses=[new], device={"host-key": device.host_key})
        preview = edge.lab.preview()
        assert preview["edge-smiley"] == preview["smiley-device-parts"] == "update"
        assert set(preview.values()) == {"update"}, "nothing is made anew, and no certificate"
        edge.lab.shell("pulumi up --yes --skip-preview -s twin")
        assert edge.lab.kubectl(*lookup).split() == [uid, new]
        assert edge.digest("smiley", "/etc/mesh-expansion/device.crt") == certificate
        eventually(lambda: edge.ready("smiley"), "smiley to be ready at its new address")
    finally:
        edge.rig.run("smiley", _move(new, old))
        _workload(edge, 0, addresses=[old], device={})
    edge.lab.shell("pulumi up --yes --skip-preview -s twin")


def _move(old: str, new: str) -> str:
    """What a DHCP server's other answer does to a machine."""
    return (
        "sysctl -qw net.ipv4.conf.eth0.promote_secondaries=1;"
        f"ip address add {new}/24 dev eth0; ip address del {old}/24 dev eth0; ip address show dev eth0 | grep -q {new}"
    )


def test_another_machine_in_its_place_is_refused_until_its_host_key_is_accepted(edge: Edge) -> None:
    old = edge.rig.describe().devices["smiley"].host_key
    before = edge.lab.kubectl("get", "externalworkload", "smiley", "-n", "faces", "-o", "jsonpath={.metadata.uid}")
    edge.rig.replace("smiley")
    _workload(edge, 0, device={"host-key": old}, environment={"ERROR_FRACTION": "1"})
    text = edge.lab("up", ok=False).text
    assert "host key is not the expected one" in text
    assert edge.rig.run("smiley", "ls /etc/mesh-expansion 2>/dev/null || true") == ""
    _workload(edge, 0, device={})
    edge.lab("up")
    eventually(lambda: edge.ready("smiley"), "the new machine to be ready")
    assert edge.identity("smiley") == "spiffe://root.linkerd.cluster.local/smiley"
    after = edge.lab.kubectl("get", "externalworkload", "smiley", "-n", "faces", "-o", "jsonpath={.metadata.uid}")
    assert after == before


def test_a_machine_that_is_gone_leaves_the_mesh_without_being_asked(edge: Edge) -> None:
    edge.rig.unplug("color")
    try:
        _workload(edge, 1, device={"gone": True})
        text = edge.lab.shell("pulumi up --yes --skip-preview -s twin").text
        assert "What stays on it" in text
        assert "/opt/mesh-expansion/bin/leave" in text
        names = edge.lab.kubectl("get", "externalworkloads,clusterstaticentries", "-A", "-o", "name").split()
        assert not [name for name in names if "color" in name]
        assert [name for name in names if "smiley" in name]

        # What stands behind the Service now is somebody else's business; the next update forgets the machine.
        _workload(edge, 1, device=None, addresses=["198.51.100.12"])
        edge.lab.shell("pulumi up --yes --skip-preview -s twin")
        assert "color-device" not in edge.lab.shell("pulumi stack export -s twin").text
    finally:
        edge.rig.plug("color")
