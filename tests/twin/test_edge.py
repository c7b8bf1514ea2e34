"""Devices on the twin: bare machines become meshed workloads, stay so, and become bare again."""

import asyncio
import contextlib
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncssh
import psutil
import pytest

from lab import docker as lab_docker
from lab.twin.inside import Inside
from lab.twin.parts import controllers_are_real
from tests.twin.conftest import Lab
from tests.twin.edge import GUEST, NAMES, Edge, eventually, pem_bodies, rig_of

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
        assert edge.well(name)


def test_a_lab_that_is_up_passes_the_doctor_who_restarts_nothing(edge: Edge) -> None:
    before = {name: edge.started(name) for name in NAMES}
    document = edge.lab("doctor", "--json").document
    assert document["counts"]["failed"] == 0
    found = {(item["check"], item["subject"]): item["status"] for item in document["findings"]}
    for name in NAMES:
        assert {found[check, f"device {name}"] for check in ("ssh.login", "device.route", "device.dns")} == {"ok"}
    assert found["certificates", "certificates"] == "ok"
    assert {name: edge.started(name) for name in NAMES} == before


def test_status_names_what_somebody_has_changed_on_a_device_and_says_as_written_once_it_is_put_back(edge: Edge) -> None:
    file, unit = "/etc/mesh-expansion/routes", "mesh-expansion-watch.timer"
    edge.rig.run("color", f"echo '# by hand' >>{file} && systemctl stop {unit}")
    try:
        run = edge.lab("status", "--seconds", "60", ok=False)
    finally:
        edge.rig.run("color", f"sed -i '$d' {file} && systemctl start {unit}")
    assert run.status == 1
    said = next(line for line in run.text.splitlines() if "device color" in line)
    assert "✘ differs" in said
    assert f"{file} has other contents; {unit} is inactive" in said
    assert "Not as it should be: device color." in run.text
    # A look changes nothing, and so says the same again, of what is right as well.
    before, started = edge.snapshot("color"), {name: edge.started(name) for name in NAMES}
    document = edge.lab("status", "--json", "--seconds", "60").document
    assert edge.snapshot("color") == before
    assert {name: edge.started(name) for name in NAMES} == started
    assert (document["schema"], document["status"], document["counts"]["bad"]) == (1, "ok", 0)
    words = {(item["part"], item["subject"]): item["word"] for item in document["items"]}
    assert {words["machines", f"device {name}"] for name in NAMES} == {"as written"}
    assert words["machines", f"container {GUEST}"] == "as written"
    assert {words["workloads", name] for name in (*NAMES, GUEST)} == {"Ready"}
    assert (words["cluster", "API"], words["policy", "access"]) == ("answers", "enforce")
    assert words["routes", "smiley-route"] == "Accepted"


def test_plain_text_is_refused_on_the_workloads_port(edge: Edge) -> None:
    assert {edge.plain(name) for name in NAMES} <= {403, None}


def test_a_container_beside_the_devices_is_ready_with_an_identity_of_its_own_and_refuses_plain_text(edge: Edge) -> None:
    assert edge.ready(GUEST)
    assert edge.identity(GUEST) == f"spiffe://root.linkerd.cluster.local/{GUEST}"
    assert edge.plain(GUEST, "/ready") == 200
    assert edge.plain(GUEST) in (403, None)
    assert edge.guest.attrs["State"]["Health"]["Status"] == "healthy"


def test_a_container_resolves_the_cluster_s_names_and_asks_through_the_mesh(edge: Edge) -> None:
    address = edge.lab.kubectl("get", "service", "face", "-n", "faces", "-o", "jsonpath={.spec.clusterIP}")
    assert address in edge.in_guest("getent ahostsv4 face.faces.svc.cluster.local")
    command = "curl -s -m 5 -o /dev/null -w '%{http_code}' http://smiley{}.faces.svc.cluster.local/"
    device = f"setpriv --reuid=65532 --regid=65532 --clear-groups {command.replace('{}', '3')} || true"
    if not controllers_are_real():
        assert edge.rig.run("smiley", device) == "000"
        assert edge.in_guest(command.replace("{}", ""), user="app_user") == "000"
        return
    eventually(lambda: edge.rig.run("smiley", device) == "200", f"{GUEST} to answer smiley")
    eventually(lambda: edge.in_guest(command.replace("{}", ""), user="app_user") == "200", f"smiley to answer {GUEST}")


def test_one_device_asks_another_by_its_service_name_and_both_are_of_the_mesh(edge: Edge) -> None:
    if not controllers_are_real():
        # The stand-in of the proxy asks nobody where a Service is: it dials the address, at which the twin has nothing.
        assert edge.color_for("smiley") == ""
        return
    eventually(lambda: edge.color_for("smiley") == "blue", "color to answer smiley")
    counted = edge.rig.run(
        "color", "curl -s http://127.0.0.1:4191/metrics | grep '^request_total{direction=\"inbound\"'"
    )
    (seen,) = [line for line in counted.splitlines() if "spiffe://root.linkerd.cluster.local/smiley" in line]
    assert 'tls="true"' in seen


def test_a_second_up_logs_in_nowhere_and_restarts_nothing(edge: Edge) -> None:
    logins = {name: edge.logins(name) for name in NAMES}
    started = {name: edge.started(name) for name in NAMES}
    guest = edge.guest
    file = edge.lab.stack_file.read_text()
    text = edge.lab("up").text
    assert "changed:" not in text
    assert edge.guest.id == guest.id
    assert edge.guest.attrs["State"]["StartedAt"] == guest.attrs["State"]["StartedAt"]
    assert edge.lab.stack_file.read_text() == file
    assert {name: edge.logins(name) for name in NAMES} == logins
    assert {name: edge.started(name) for name in NAMES} == started


def test_what_a_device_was_sent_changes_and_restarts_nothing_when_it_is_sent_again(edge: Edge) -> None:
    state = json.loads(edge.lab.shell("pulumi stack export -s twin --show-secrets 2>/dev/null").text)
    for name in NAMES:
        started, before = edge.started(name), edge.snapshot(name)
        for step in ("identity", "parts"):
            (sent,) = [
                resource["inputs"]
                for resource in state["deployment"]["resources"]
                if resource["urn"].endswith(f"::{name}-device-{step}")
            ]
            said = edge.ssh(name, sent["create"], sent["stdin"])
            assert "changed:" not in said, said
        assert edge.started(name) == started
        # A timer starts the watch again and again, so what units do at the moment is no matter.
        changed = before.differences(edge.snapshot(name))
        assert changed.keys() <= {"units"}, changed


def test_no_authority_key_and_no_secret_is_where_others_can_see_it(edge: Edge) -> None:
    state = edge.lab.shell("pulumi stack export -s twin --show-secrets").text
    keys = pem_bodies(state)
    assert len(keys) >= 4  # root, issuer, SPIRE's upstream, devices'
    plain = edge.lab.shell("pulumi stack export -s twin").text
    assert not [key for key in keys if key in plain]
    for name in NAMES:
        own = pem_bodies(edge.rig.run(name, "cat /etc/mesh-expansion/device.key"))
        assert not own & keys
        # Not by grep: its own command line would be found.
        arguments = edge.rig.run(name, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
        journal = edge.rig.run(name, "journalctl --no-pager")
        assert {
            "mode": edge.rig.run(name, "stat -c '%a %U' /etc/mesh-expansion/device.key").split(),
            "files with an authority's key": _files_with(edge, name, keys),
            "files with its own key": _files_with(edge, name, own),
            "keys in arguments": [key for key in {*keys, *own} if key in arguments],
            "keys in the journal": [key for key in {*keys, *own} if key in journal],
        } == {
            "mode": ["600", "mesh-agent"],
            "files with an authority's key": [],
            "files with its own key": ["/etc/mesh-expansion/device.key"],
            "keys in arguments": [],
            "keys in the journal": [],
        }
    guests = pem_bodies(edge.guest_key)
    assert not guests & keys
    assert edge.in_guest("stat -c '%a %U' /opt/spire/identity/device.key").split() == ["600", "mesh-agent"]
    for text in (json.dumps(edge.guest.attrs), edge.guest.logs().decode(), plain):
        assert not [key for key in keys | guests if key in text]
    for key in keys:
        assert edge.in_guest(f"grep -rlsF '{key}' / --exclude-dir=proc --exclude-dir=sys") == ""


def _files_with(edge: Edge, name: str, keys: set[str]) -> list[str]:
    patterns = " ".join(f"-e '{key}'" for key in keys)
    return edge.rig.run(name, f"grep -rlsF {patterns} / --exclude-dir=proc --exclude-dir=sys || true").splitlines()


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


# `podman` is the process that watches over the workload's container.
_PID = {
    "agent": "systemctl show -P MainPID mesh-expansion-agent",
    "proxy": "systemctl show -P MainPID mesh-expansion-proxy",
    "workload": "podman container inspect --format '{{.State.Pid}}' mesh-expansion-workload 2>/dev/null || true",
    "podman": "podman container inspect --format '{{.State.ConmonPid}}' mesh-expansion-workload 2>/dev/null || true",
}


@pytest.mark.parametrize("part", _PID)
def test_a_killed_part_comes_back_and_nothing_is_served_in_plain_text_meanwhile(edge: Edge, part: str) -> None:
    def pid() -> str:
        return edge.rig.run("smiley", _PID[part]).strip()

    served: list[int | None] = []
    stop = threading.Event()

    def knock() -> None:
        while not stop.is_set():
            served.append(edge.plain("smiley"))
            time.sleep(0.05)

    knocking = threading.Thread(target=knock)
    knocking.start()
    try:
        before = pid()
        edge.rig.run("smiley", f"kill -KILL {before}")
        eventually(lambda: pid() not in (before, "0", ""), f"the {part} to start again")
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
        expected |= {"linkerd-identity", "linkerd-destination", "linkerd-policy"}
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
        eventually(lambda: edge.color_for("smiley") == "blue", "color to answer smiley")


def test_a_device_comes_back_after_a_reboot_without_pulumi(edge: Edge) -> None:
    key = edge.digest("smiley", "/etc/mesh-expansion/device.key")
    edge.rig.reboot("smiley", hard=True)
    assert eventually(lambda: edge.well("smiley"), "smiley to come back", 120) < 120
    assert edge.identity("smiley") == "spiffe://root.linkerd.cluster.local/smiley"
    assert edge.digest("smiley", "/etc/mesh-expansion/device.key") == key
    eventually(lambda: edge.ready("smiley"), "the cluster to know it", 60)


@pytest.mark.parametrize("how", ["restarted", "killed"])
def test_a_container_comes_back_by_itself_with_the_same_key_and_no_device_notices(edge: Edge, how: str) -> None:
    key, started = edge.guest_key, {name: edge.started(name) for name in NAMES}
    before = edge.guest.attrs["State"]
    if how == "restarted":
        edge.guest.restart()
    else:
        psutil.Process(before["Pid"]).kill()
    eventually(lambda: edge.guest.attrs["State"]["StartedAt"] > before["StartedAt"], "the container to start again")
    eventually(lambda: edge.well(GUEST), f"{GUEST} to come back", 90)
    assert edge.identity(GUEST) == f"spiffe://root.linkerd.cluster.local/{GUEST}"
    assert edge.plain(GUEST) in (403, None)
    assert edge.guest_key == key
    assert {name: edge.started(name) for name in NAMES} == started
    eventually(lambda: edge.ready(GUEST), "the cluster to know it")


def test_the_cluster_learns_that_a_device_is_dead_and_that_it_is_back(edge: Edge) -> None:
    edge.rig.unplug("color")
    try:
        eventually(lambda: not edge.ready("color"), "color not to be ready", 90)
        described = edge.lab.kubectl("get", "externalworkload", "color", "-n", "faces", "-o", "json")
        condition = next(item for item in json.loads(described)["status"]["conditions"] if item["type"] == "Ready")
        assert edge.addresses["color"] in condition["message"]
        run = edge.lab("status", "--seconds", "60", ok=False)
        assert (run.status, run.seconds < 30) == (1, True), run
        assert "✘ not Ready" in run.text
        assert f"{edge.addresses['color']} port 22 does not answer" in run.text
        assert "✔ as written  device smiley" in run.text
    finally:
        edge.rig.plug("color")
    eventually(lambda: edge.ready("color"), "color to be ready again", 90)


def test_a_change_concerns_the_machines_that_it_names_and_an_ssh_session_lives_through_it(edge: Edge) -> None:
    def green(config: dict[str, object]) -> None:
        workloads = config["mesh-expansion:workloads"]
        assert isinstance(workloads, list)
        workloads[1]["environment"] = {"COLOR": "green"}
        workloads[2]["environment"] = {"SMILEY": "HeartEyes"}

    original = edge.lab.stack_file.read_text()
    smiley = edge.started("smiley")
    guest, key = edge.guest, edge.guest_key
    proxy = edge.rig.run("color", "systemctl show -P MainPID mesh-expansion-proxy")
    with _session(edge, "color") as alive:
        try:
            edge.lab.configure(green)
            assert edge.lab.preview().keys() == {"color-device-parts", f"{GUEST}-docker-container"}
            text = edge.lab("up").text
            assert "changed:" in text
            assert edge.started("smiley") == smiley
            assert edge.rig.run("color", "systemctl show -P MainPID mesh-expansion-proxy") == proxy
            assert "COLOR=green" in edge.rig.run("color", "podman inspect mesh-expansion-workload")
            assert "SMILEY=HeartEyes" in edge.guest.attrs["Config"]["Env"]
            assert edge.guest.id != guest.id, "what a container is told is told when it is made"
            assert edge.guest_key == key
            assert edge.identity(GUEST) == f"spiffe://root.linkerd.cluster.local/{GUEST}"
        finally:
            edge.lab.stack_file.write_text(original)
            edge.lab("up")
        assert alive()
    eventually(lambda: edge.well("color"), "color to be well again")


def test_raised_generations_bring_new_certificates_for_the_same_keys_and_nothing_else(edge: Edge) -> None:
    def spire(**generations: int) -> dict[str, str]:
        edge.lab.configure(lambda config: config.update({"mesh-expansion:spire": generations}))
        return edge.lab.preview()

    def look() -> dict[str, tuple[str, str]]:
        places = ("/etc/mesh-expansion/device.crt", "/etc/mesh-expansion/device.key")
        return {name: (edge.digest(name, places[0]), edge.digest(name, places[1])) for name in NAMES}

    def differ(before: dict[str, tuple[str, str]], after: dict[str, tuple[str, str]]) -> None:
        for name in NAMES:
            assert after[name][0] != before[name][0], "a new certificate"
            assert after[name][1] == before[name][1], "for the same key"
            assert edge.well(name)
        eventually(lambda: all(edge.ready(name) for name in (*NAMES, GUEST)), "all to be ready", 90)
        assert edge.guest_key == key

    key = edge.guest_key
    proxies = {name: edge.rig.run(name, "systemctl show -P MainPID mesh-expansion-proxy") for name in NAMES}
    first = look()
    changes = spire(device=2)
    for name in NAMES:
        found = {changed: what for changed, what in changes.items() if changed.startswith(f"{name}-device-")}
        assert sorted(found.values()) == ["create", "delete", "update", "update"], found
    assert {changed.split("-")[0] for changed in changes} == {*NAMES, GUEST}, "nothing else"
    edge.lab("up")
    second = look()
    differ(first, second)

    changes = spire(device=2, **{"device-ca": 2})
    assert {changed.split("-")[0] for changed in changes} == {*NAMES, GUEST, "spire"}
    assert not [changed for changed in changes if changed.endswith(("-identity", "-entry"))]
    edge.lab("up")
    differ(second, look())
    # With every value known, no rule of the policy pack has a word to say about a lab with devices and a container.
    assert edge.lab.preview() == {}
    judged = edge.lab("preview").text
    assert "Policy Packs run:" in judged  # a broken rule would have ended it
    # Neither has anything to do with the workloads' own identities.
    assert proxies == {name: edge.rig.run(name, "systemctl show -P MainPID mesh-expansion-proxy") for name in NAMES}


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
        left = edge.before[name].differences(edge.snapshot(name))
        assert left == {}, left
    assert edge.left_of_guests() == set()


def test_the_twin_takes_away_what_containers_have_left_and_nothing_else(
    edge: Edge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # The engine ends with its last user, and is asked below after the lab has left it.
    with monkeypatch.context() as own:
        own.setenv("LAB_HOME", str(tmp_path))
        lab_docker.ensure()
    engine, network = edge.engine, edge.network
    (parts,) = [tag for image in engine.images.list() for tag in image.tags if f"parts-{network[-8:]}:" in tag]
    engine.images.get(parts).tag("mesh-expansion/somebody-elses", "kept")
    image, _ = engine.images.build(
        fileobj=io.BytesIO(f"FROM {parts}\nLABEL mesh-expansion/lab={network}\n".encode()),
        tag=f"mesh-expansion/left:{network}",
        rm=True,
    )
    try:
        engine.volumes.create(f"{network}-left-identity", labels={"mesh-expansion/workload": "left"})
        engine.containers.create(image, "/workload", name=f"{network}-left", network=network)
        edge.lab("twin", "down")
        assert edge.left_of_guests() == set()
        assert not [tag for found in engine.images.list() for tag in found.tags if parts.partition(":")[0] in tag]
        assert not engine.networks.list(names=[network])
        assert engine.images.get("mesh-expansion/somebody-elses:kept")
        engine.images.remove("mesh-expansion/somebody-elses:kept")
    finally:
        monkeypatch.setenv("LAB_HOME", str(tmp_path))
        lab_docker.down()
