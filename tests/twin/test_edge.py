"""Devices on the twin: bare machines become meshed workloads, stay so, and become bare again."""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator

import asyncssh
import psutil
import pytest

from lab.twin.inside import Inside
from lab.twin.parts import controllers_are_real
from tests.twin.conftest import Lab
from tests.twin.edge import NAMES, Edge, eventually, pem_bodies, rig_of

pytestmark = pytest.mark.twin


@pytest.fixture(scope="module")
def edge(new_lab: Callable[..., Lab]) -> Iterator[Edge]:
    """Two devices, up and in the mesh."""
    lab = new_lab(devices=True)
    lab("twin", "up")
    edge = Edge(lab, rig_of(lab))
    edge.before = {name: edge.snapshot(name) for name in NAMES}
    lab("up")
    yield edge
    lab("twin", "down", ok=False)


def test_up_turns_bare_machines_into_ready_workloads_with_their_own_identities(edge: Edge) -> None:
    for name in NAMES:
        assert edge.ready(name)
        assert edge.identity(name) == f"spiffe://root.linkerd.cluster.local/{name}"
        assert edge.plain(name, "/ready") == 200


def test_plain_text_is_refused_on_the_workloads_port(edge: Edge) -> None:
    assert {edge.plain(name) for name in NAMES} <= {403, None}


def test_one_device_asks_another_by_its_service_name_and_both_are_of_the_mesh(edge: Edge) -> None:
    url = "http://color.faces.svc.cluster.local/"
    if not controllers_are_real():
        # The stand-in of the proxy asks nobody where a Service is: it dials the address, at which the twin has nothing.
        assert edge.ask("smiley", url) == "000"
        return
    eventually(lambda: edge.ask("smiley", url) == "200", "color to answer smiley")
    counted = edge.rig.run(
        "color", "curl -s http://127.0.0.1:4191/metrics | grep '^request_total{direction=\"inbound\"'"
    )
    (seen,) = [line for line in counted.splitlines() if "spiffe://root.linkerd.cluster.local/smiley" in line]
    assert 'tls="true"' in seen


def test_a_second_up_logs_in_nowhere_and_restarts_nothing(edge: Edge) -> None:
    logins = {name: edge.logins(name) for name in NAMES}
    started = {name: edge.started(name) for name in NAMES}
    text = edge.lab("up").text
    assert "changed:" not in text
    assert {name: edge.logins(name) for name in NAMES} == logins
    assert {name: edge.started(name) for name in NAMES} == started


def test_no_authority_key_and_no_secret_is_where_others_can_see_it(edge: Edge) -> None:
    state = edge.lab.shell("pulumi stack export -s twin --show-secrets").text
    keys = pem_bodies(state)
    assert len(keys) >= 4  # root, issuer, SPIRE's upstream, devices'
    plain = edge.lab.shell("pulumi stack export -s twin").text
    assert not [key for key in keys if key in plain]
    for name in NAMES:
        own = edge.rig.run(name, "cat /etc/mesh-expansion/device.key")
        assert not pem_bodies(own) & keys
        for key in keys:
            found = edge.rig.run(name, f"grep -rlsF '{key}' / --exclude-dir=proc --exclude-dir=sys || true")
            assert found == "", found
        mode = edge.rig.run(name, "stat -c '%a %U' /etc/mesh-expansion/device.key")
        assert mode.split() == ["600", "mesh-agent"]
        body = pem_bodies(own).pop()
        # Not by grep: its own command line would be found.
        assert body not in edge.rig.run(name, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
        assert body not in edge.rig.run(name, "journalctl --no-pager")


def test_the_proxy_is_a_user_of_its_own_and_nothing_of_ours_listens_on_all_addresses_but_its_inbound_port(
    edge: Edge,
) -> None:
    for name in NAMES:
        assert edge.rig.run(name, "ps -o user= -C linkerd2-proxy").split() == ["mesh-proxy"]
        listening = edge.rig.run(name, "ss -Htln | awk '{print $4}'").split()
        ours = {item for item in listening if item.rsplit(":", 1)[1] in ("4140", "4190", "4191")}
        assert ours
        assert all(item.startswith(("127.0.0.1:", "[::1]:")) for item in ours), ours


def test_the_cluster_s_names_resolve_on_a_device(edge: Edge) -> None:
    address = edge.lab.kubectl("get", "service", "face", "-n", "faces", "-o", "jsonpath={.spec.clusterIP}")
    for name in NAMES:
        assert address in edge.rig.run(name, "getent ahostsv4 face.faces.svc.cluster.local")


@pytest.mark.parametrize("part", ["agent", "proxy", "workload"])
def test_a_killed_part_comes_back_and_nothing_is_served_in_plain_text_meanwhile(edge: Edge, part: str) -> None:
    served: list[int | None] = []
    stop = threading.Event()

    def knock() -> None:
        while not stop.is_set():
            served.append(edge.plain("smiley"))
            time.sleep(0.05)

    knocking = threading.Thread(target=knock)
    knocking.start()
    try:
        before = edge.rig.run("smiley", f"systemctl show -P MainPID mesh-expansion-{part}").strip()
        edge.rig.run("smiley", f"systemctl kill --signal=KILL mesh-expansion-{part}")
        eventually(
            lambda: (
                edge.rig.run("smiley", f"systemctl show -P MainPID mesh-expansion-{part}").strip() not in (before, "0")
            ),
            f"the {part} to start again",
        )
        eventually(lambda: edge.well("smiley"), f"smiley to be well after its {part} was killed", 90)
    finally:
        stop.set()
        knocking.join()
    assert len(served) > 10
    assert 200 not in served


def test_what_runs_in_the_cluster_comes_back_and_devices_do_not_notice(edge: Edge) -> None:
    inside = Inside(edge.lab.home / "twin", edge.rig.describe().node_addresses[0])

    def pids() -> dict[str, int]:
        return {state.name: state.pid for state in inside.status() if state.pid and state.name != "runner"}

    before = pids()
    expected = {"spire-server", "spire-controller-manager", "dns", "prober"}
    if controllers_are_real():
        expected |= {"linkerd-destination", "linkerd-policy"}
    assert set(before) == expected
    started = {name: edge.started(name) for name in NAMES}
    for pid in before.values():
        psutil.Process(pid).kill()
    assert edge.well("color")
    eventually(lambda: set(pids()) == expected and not set(pids().values()) & set(before.values()), "new processes")
    eventually(lambda: all(edge.ready(name) for name in NAMES), "the prober to answer for both", 90)
    assert all(edge.well(name) for name in NAMES)
    assert {name: edge.started(name) for name in NAMES} == started
    if controllers_are_real():
        url = "http://color.faces.svc.cluster.local/"
        eventually(lambda: edge.ask("smiley", url) == "200", "color to answer smiley")


def test_a_device_comes_back_after_a_reboot_without_pulumi(edge: Edge) -> None:
    key = edge.digest("smiley", "/etc/mesh-expansion/device.key")
    edge.rig.reboot("smiley", hard=True)
    assert eventually(lambda: edge.well("smiley"), "smiley to come back", 120) < 120
    assert edge.identity("smiley") == "spiffe://root.linkerd.cluster.local/smiley"
    assert edge.digest("smiley", "/etc/mesh-expansion/device.key") == key
    eventually(lambda: edge.ready("smiley"), "the cluster to know it", 60)


def test_the_cluster_learns_that_a_device_is_dead_and_that_it_is_back(edge: Edge) -> None:
    edge.rig.unplug("color")
    try:
        eventually(lambda: not edge.ready("color"), "color not to be ready", 90)
        described = edge.lab.kubectl("get", "externalworkload", "color", "-n", "faces", "-o", "json")
        condition = next(item for item in json.loads(described)["status"]["conditions"] if item["type"] == "Ready")
        assert edge.addresses["color"] in condition["message"]
    finally:
        edge.rig.plug("color")
    eventually(lambda: edge.ready("color"), "color to be ready again", 90)


def test_a_change_concerns_one_device_and_an_ssh_session_lives_through_it(edge: Edge) -> None:
    def green(config: dict[str, object]) -> None:
        workloads = config["mesh-expansion:workloads"]
        assert isinstance(workloads, list)
        workloads[1]["environment"] = {"COLOR": "green"}

    original = edge.lab.stack_file.read_text()
    smiley = edge.started("smiley")
    proxy = edge.rig.run("color", "systemctl show -P MainPID mesh-expansion-proxy")
    with _session(edge, "color") as alive:
        try:
            edge.lab.configure(green)
            assert edge.lab.preview() == {"color-device-parts": "update"}
            text = edge.lab("up").text
            assert "changed:" in text
            assert edge.started("smiley") == smiley
            assert edge.rig.run("color", "systemctl show -P MainPID mesh-expansion-proxy") == proxy
            assert "COLOR=green" in edge.rig.run("color", "podman inspect mesh-expansion-workload")
        finally:
            edge.lab.stack_file.write_text(original)
            edge.lab("up")
        assert alive()
    eventually(lambda: edge.well("color"), "color to be well again")


@contextlib.contextmanager
def _session(edge: Edge, name: str) -> Iterator[Callable[[], bool]]:
    """An SSH session that is opened before and must answer after."""
    described = edge.rig.describe()
    loop = asyncio.new_event_loop()
    connection = loop.run_until_complete(
        asyncssh.connect(
            edge.addresses[name],
            username="root",
            client_keys=[str(described.client_key)],
            known_hosts=str(described.known_hosts),
        )
    )
    process = loop.run_until_complete(connection.create_process("cat"))

    def alive() -> bool:
        process.stdin.write("still here\n")
        return bool(loop.run_until_complete(asyncio.wait_for(process.stdout.readline(), 10)) == "still here\n")

    try:
        yield alive
    finally:
        connection.close()
        loop.run_until_complete(connection.wait_closed())
        loop.close()


def test_destroy_leaves_devices_as_they_were_found(edge: Edge) -> None:
    edge.lab.shell("pulumi destroy --yes --skip-preview -s twin")
    for name in NAMES:
        after = edge.snapshot(name)
        for what, found in vars(edge.before[name]).items():
            assert getattr(after, what) == found, what
