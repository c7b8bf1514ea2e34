"""`lab doctor` on a lab with devices: it tells what would fail before an `up`, in time, and changes nothing."""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import yaml

from tests.plugins.sshd import Sshd
from tests.twin.conftest import Lab, Run
from tests.twin.edge import NAMES, Edge, rig_of

pytestmark = pytest.mark.twin

# Files that changed since the mark, but for what a machine writes by running and by being logged in to.
_CHANGED = (
    "find / \\( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/log -o -path /var/tmp "
    "-o -path /var/lib/systemd \\) -prune -o -cnewer /run/mark -print"
)
_RUNS = "ip route show table all; systemctl list-units --all --plain --no-legend 'mesh-*'"
SPARE = "spare"  # a machine whose host key is not the pinned one


@pytest.fixture(scope="module")
def edge(new_lab: Callable[..., Lab]) -> Iterator[Edge]:
    """Two bare devices; the stack was never up."""
    lab = new_lab(devices=True)
    lab("twin", "up")
    yield Edge(lab, rig_of(lab))
    lab("twin", "down", ok=False)


def _document(run: Run) -> dict[str, Any]:
    return dict(run.document)


def _named(document: dict[str, Any], check: str, subject: str) -> dict[str, str]:
    (finding,) = [item for item in document["findings"] if (item["check"], item["subject"]) == (check, subject)]
    assert isinstance(finding, dict)
    return finding


def test_a_lab_that_can_go_up_passes_and_nothing_on_the_devices_changes(edge: Edge) -> None:
    before = {name: _mark(edge, name) for name in NAMES}
    files = _own_files(edge)
    run = edge.lab("doctor", "--json")
    document = _document(run)
    assert document["status"] in ("ok", "warning"), run.text
    assert document["counts"]["failed"] == 0
    for name in NAMES:
        for check in ("ssh.login", "device.clock", "device.route", "device.machine"):
            assert _named(document, check, f"device {name}")["status"] == "ok"
    assert _named(document, "cluster.ranges", "cluster")["status"] == "ok"
    assert _named(document, "artefacts", "edge.artefacts")["status"] == "ok"
    for name in NAMES:
        assert edge.rig.run(name, _CHANGED) == ""
        assert edge.rig.run(name, _RUNS) == before[name]
    assert _own_files(edge) == files


def _mark(edge: Edge, name: str) -> str:
    """Puts down when it was, for _CHANGED; what runs on a device and where it sends things."""
    edge.rig.run(name, "touch /run/mark")
    return edge.rig.run(name, _RUNS)


def _own_files(edge: Edge) -> dict[str, int]:
    """The lab's own directory and stack files, by the time of their last change; what the cluster writes is left out."""
    places = [
        *(edge.lab.directory / "stacks").rglob("*"),
        *edge.lab.home.glob("*"),
        *(edge.lab.home / "state").rglob("*"),
    ]
    return {str(place): place.stat().st_mtime_ns for place in places if "__pycache__" not in str(place)}


@contextlib.contextmanager
def _broken(edge: Edge, spare: Sshd) -> Iterator[None]:
    """Somebody else on smiley's port, color unplugged, another host key pinned for the spare one, a bad Linkerd."""
    before = edge.lab.stack_file.read_text()
    edge.rig.run(
        "smiley",
        "systemd-run --quiet --unit=squatter sh -c 'while :; do openssl s_server -accept 8000 -nocert; done';"
        "until ss -Hltn 'sport = :8000' | grep -q .; do sleep 0.1; done",
    )
    edge.rig.unplug("color")
    edge.lab.configure(partial(_misconfigure, spare))
    try:
        yield
    finally:
        edge.lab.stack_file.write_text(before)
        edge.rig.plug("color")
        edge.rig.run("smiley", "systemctl stop squatter; systemctl reset-failed")


def _misconfigure(spare: Sshd, config: dict[str, Any]) -> None:
    config["mesh-expansion:linkerd"] = {"version": "edge-25.11.2"}
    pinned = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    device = {"host": "127.0.0.1", "port": spare.port, "host-key": pinned}
    config["mesh-expansion:workloads"].append({"name": SPARE, "addresses": ["198.51.100.9"], "device": device})


def test_everything_that_would_fail_is_named_at_once_with_what_to_type_next(edge: Edge, tmp_path: Path) -> None:
    with Sshd(tmp_path) as spare, _broken(edge, spare):
        pinned = yaml.safe_load(edge.lab.stack_file.read_text())["config"]["mesh-expansion:workloads"][-1]["device"]
        run = edge.lab("doctor", "--json", ok=False)
        text = edge.lab("doctor", ok=False)
    assert run.status == 1
    document = _document(run)
    assert document["seconds"] < 15
    failing = {(item["check"], item["subject"]): item for item in document["findings"] if item["status"] == "failed"}
    assert failing.keys() == {
        ("configuration", "linkerd.version"),
        ("device.ports", "device smiley"),
        ("ssh.reach", "device color"),
        ("ssh.host-key", f"device {SPARE}"),
    }
    assert all(item["next"] for item in failing.values())
    assert "port 8000: taken by openssl" in failing["device.ports", "device smiley"]["cause"]
    assert failing["ssh.reach", "device color"]["next"] == f"ping -c 3 {edge.addresses['color']}"
    other = failing["ssh.host-key", f"device {SPARE}"]
    for key in (pinned["host-key"], spare.host_key):
        assert asyncssh.import_public_key(key).get_fingerprint() in other["cause"]
    assert " ".join(spare.host_key.split()[:2]) in other["next"]
    assert (spare.refused, spare.commands) == (0, [])
    assert "its proxy cannot talk to a SPIRE agent" in failing["configuration", "linkerd.version"]["next"]
    assert text.status == 1
    for item in failing.values():
        assert f"✘ failed       {item['subject']}" in text.text
        assert f"next: {item['next']}" in text.text


def test_a_port_of_this_machine_that_a_k3d_lab_needs_is_named_with_its_holder(edge: Edge) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        config = {
            "mesh-expansion:lab": "k3d-lab",
            "mesh-expansion:cluster": {"http-port": port, "https-port": port - 1},
        }
        (edge.lab.directory / "stacks" / "Pulumi.other.yaml").write_text(yaml.safe_dump({"config": config}))
        run = edge.lab("doctor", "--stack", "other", "--json", ok=False)
    found = _named(_document(run), "ports", f"port {port}")
    assert found["status"] == "failed"
    assert f"(pid {os.getpid()})" in found["cause"]
    assert found["next"] == f"kill {os.getpid()}, or set cluster.http-port to another port"


def test_a_stack_that_is_not_there_is_wrong_usage(edge: Edge) -> None:
    run = edge.lab("doctor", "--stack", "nothing", ok=False)
    assert run.status == 2
    assert "there are" in run.text
