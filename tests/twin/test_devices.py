"""The twin's devices: they act as machines on a network, and nothing of them stays behind."""

import asyncio
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import asyncssh
import psutil
import pytest
from docker import DockerClient

from lab import docker as lab_docker
from lab import paths
from lab.twin.devices import Rig, RigDescription

pytestmark = pytest.mark.twin

NAMES = ("smiley", "color")
BANNER = "SSH-2.0-"


class Devices:
    """A rig that is up, and what a person would type on its devices."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.seen = rig.up()

    def address(self, name: str) -> str:
        return self.seen.devices[name].address

    def ssh(self, name: str, command: str, *, user: str = "root", given: bytes = b"") -> str:
        """What a command writes to standard output, over a connection that knows the device's host key before."""
        return asyncio.run(self._ssh(name, command, user, given))

    async def _ssh(self, name: str, command: str, user: str, given: bytes) -> str:
        async with asyncssh.connect(
            self.address(name),
            username=user,
            client_keys=[str(self.seen.client_key)],
            known_hosts=str(self.seen.known_hosts),
            config=None,
            connect_timeout=10,
        ) as connection:
            done = await connection.run(command, input=given, encoding=None, timeout=60)
        assert done.exit_status == 0, done.stderr
        assert isinstance(done.stdout, bytes)
        return done.stdout.decode()

    def banner(self, port: int, name: str = "smiley") -> str:
        """What a server on a device says first; "" when there is none."""
        try:
            with socket.create_connection((self.address(name), port), timeout=1) as connection:
                return connection.recv(8).decode()
        except OSError:
            return ""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerClient]:
    """An engine, used under a name of the tests' own: at the end one that was started for them alone is stopped."""
    with pytest.MonkeyPatch.context() as context:
        context.setenv("LAB_HOME", str(tmp_path_factory.mktemp("home")))
        client = lab_docker.ensure().client()
        yield client
        client.close()
        lab_docker.down()


@pytest.fixture(scope="module")
def devices(engine: DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devices]:
    rig = Rig(tmp_path_factory.mktemp("rig") / "devices", NAMES, nodes=2)
    try:
        yield Devices(rig)
    finally:
        rig.down()


@pytest.fixture
def own(engine: DockerClient, tmp_path: Path) -> Iterator[Rig]:
    """A rig of one device that is not up yet."""
    rig = Rig(tmp_path / "devices", ["face"])
    yield rig
    rig.down()


def test_devices_come_up_where_a_stack_expects_them(devices: Devices) -> None:
    seen = devices.seen
    subnet = IPv4Network(seen.subnet)
    assert seen.gateway == str(subnet[1])
    assert seen.node_addresses == (str(subnet[10]), str(subnet[11]))
    assert [device.address for device in seen.devices.values()] == [str(subnet[21]), str(subnet[22])]
    assert {entry.address for entry in psutil.net_if_addrs()[seen.bridge]} >= {seen.gateway, *seen.node_addresses}
    assert [(state.name, state.state, state.failed) for state in devices.rig.status()] == [
        (name, "running", ()) for name in NAMES
    ]
    assert devices.rig.describe() == seen


def test_devices_are_machines_of_their_own(devices: Devices) -> None:
    assert [devices.rig.run(name, "hostname").strip() for name in NAMES] == [*NAMES]
    identities = {devices.rig.run(name, "cat /etc/machine-id").strip() for name in NAMES}
    assert len(identities - {"", "uninitialized"}) == len(NAMES)
    assert devices.rig.run("smiley", "systemctl is-system-running").strip() == "running"
    keys = devices.rig.run("smiley", "cat /etc/ssh/ssh_host_*_key.pub").strip().splitlines()
    assert keys == [devices.seen.devices["smiley"].host_key]


def test_a_second_up_changes_nothing_and_takes_less_than_a_second(devices: Devices, engine: DockerClient) -> None:
    before, files = _containers(engine, devices), _files(devices.rig.directory)
    took = []
    for _ in range(3):
        begun = time.monotonic()
        assert devices.rig.up() == devices.seen
        took.append(time.monotonic() - begun)
    assert _containers(engine, devices) == before
    assert _files(devices.rig.directory) == files
    assert min(took) < 1


def test_private_keys_are_readable_by_their_owner_only(devices: Devices) -> None:
    private = [path for path in devices.rig.directory.rglob("*") if path.is_file() and b"PRIVATE" in path.read_bytes()]
    assert len(private) == len(NAMES) + 1
    assert {path.stat().st_mode & 0o077 for path in private} == {0}


def test_the_labs_key_opens_a_device_and_no_password_does(devices: Devices) -> None:
    assert devices.ssh("smiley", "id -un").strip() == "root"
    assert devices.ssh("color", "sudo -n id -un", user="pi").strip() == "root"

    async def by_password() -> None:
        await asyncssh.connect(
            devices.address("smiley"),
            username="root",
            password="root",
            client_keys=None,
            agent_path=None,
            known_hosts=str(devices.seen.known_hosts),
            config=None,
        )

    with pytest.raises(asyncssh.PermissionDenied):
        asyncio.run(by_password())


def test_devices_reach_each_other_and_this_machine_reaches_them(devices: Devices) -> None:
    assert devices.banner(22) == BANNER
    assert devices.rig.run("color", _said_by(devices.address("smiley"), 22)) == BANNER


def test_podman_runs_a_container_in_the_devices_network(devices: Devices, engine: DockerClient) -> None:
    image = lab_docker.busybox_image(engine)
    archive = b"".join(engine.images.get(image).save(named=True))
    assert image in devices.ssh("smiley", "podman load --quiet", given=archive)
    # Podman loses the exit status of a container that has ended before it looks, so these end a moment later.
    run = f"podman run --rm --network host {image} sh -c '{{}}; sleep 2'"
    seen = devices.ssh("smiley", run.format("ip address show dev eth0"))
    assert devices.address("smiley") in seen
    as_nobody = devices.ssh("smiley", run.replace(image, f"--user 1234 {image}").format("id -u"))
    assert as_nobody.strip() == "1234"


def test_the_packet_filter_redirects_what_comes_in(devices: Devices) -> None:
    assert devices.banner(8000) == ""
    rule = "PREROUTING -p tcp --dport 8000 -j REDIRECT --to-ports 22"
    devices.rig.run("smiley", f"iptables -t nat -A {rule}")
    try:
        assert devices.banner(8000) == BANNER
        assert devices.banner(8000, "color") == ""
    finally:
        devices.rig.run("smiley", f"iptables -t nat -D {rule}")


def test_the_packet_filter_redirects_what_goes_out_but_for_one_user(devices: Devices) -> None:
    rule = "OUTPUT -p tcp -d 10.42.0.0/16 -m owner ! --uid-owner 2102 -j REDIRECT --to-ports 22"
    devices.rig.run("smiley", f"iptables -t nat -A {rule}")
    ask = _said_by("10.42.0.9", 1)
    try:
        assert devices.rig.run("smiley", ask) == BANNER
        assert devices.rig.run("smiley", f"setpriv --reuid 2102 --clear-groups {ask}") == ""
    finally:
        devices.rig.run("smiley", f"iptables -t nat -D {rule}")


def test_a_route_to_pods_leads_to_a_node_where_this_machine_answers(devices: Devices) -> None:
    node = devices.seen.node_addresses[1]
    devices.rig.run("smiley", f"ip route add 10.42.0.0/24 via {node}")
    assert f"10.42.0.7 via {node} dev eth0" in devices.rig.run("smiley", "ip route get 10.42.0.7")
    with socket.create_server((node, 0)) as server:
        threading.Thread(target=_greet, args=(server,), daemon=True).start()
        port = server.getsockname()[1]
        assert devices.rig.run("smiley", _said_by(node, port)) == "welcome!"


def test_the_resolver_asks_a_node_for_the_clusters_names(devices: Devices) -> None:
    run = devices.rig.run
    assert run("smiley", "readlink -f /etc/resolv.conf").strip() == "/run/systemd/resolve/stub-resolv.conf"
    assert "127.0.0.1" in run("smiley", "resolvectl query --legend=no localhost")
    drop_in = "/etc/systemd/resolved.conf.d/test.conf"
    node = devices.seen.node_addresses[0]
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind((node, 0))
        threading.Thread(target=_answer_names, args=(server,), daemon=True).start()
        lines = f"[Resolve]\\nDNS={node}:{server.getsockname()[1]}\\nDomains=~cluster.local\\n"
        run("smiley", f"mkdir -p $(dirname {drop_in}) && printf '{lines}' >{drop_in}")
        try:
            run("smiley", "systemctl restart systemd-resolved")
            assert "10.43.0.7" in run("smiley", "getent hosts face.faces.svc.cluster.local")
        finally:
            run("smiley", f"rm -r $(dirname {drop_in}); systemctl restart systemd-resolved")


@pytest.mark.parametrize("hard", [False, True], ids=["shut down", "power lost"])
def test_a_reboot_keeps_files_and_nothing_that_runs(devices: Devices, hard: bool) -> None:
    run, name = devices.rig.run, "color"
    run(
        name,
        "echo kept >/etc/kept; echo kept >/var/lib/containers/kept; touch /run/gone; ip route add 10.42.9.0/24 dev lo",
    )
    identity = run(name, "cat /etc/machine-id")
    devices.rig.reboot(name, hard=hard)
    assert devices.ssh(name, "cat /etc/kept /var/lib/containers/kept; ls /run/gone || true") == "kept\nkept\n"
    assert "10.42.9.0" not in run(name, "ip route")
    assert run(name, "cat /etc/machine-id") == identity
    assert run(name, "readlink /etc/resolv.conf").strip() == "../run/systemd/resolve/stub-resolv.conf"
    assert devices.rig.up() == devices.seen


def test_a_device_without_cable_is_out_of_reach_and_keeps_its_routes(devices: Devices) -> None:
    devices.rig.unplug("color")
    assert devices.banner(22, "color") == ""
    assert "default via" in devices.rig.run("color", "ip route")
    devices.rig.plug("color")
    _until(lambda: devices.banner(22, "color") == BANNER, "the device to answer again")


def test_up_heals_what_was_stopped_frozen_or_unplugged(devices: Devices, engine: DockerClient) -> None:
    before = _containers(engine, devices).keys()
    devices.rig.stop("smiley", hard=True)
    devices.rig.pause("color")
    node = f"{devices.seen.node_addresses[0]}/32"
    subprocess.run(["ip", "address", "delete", node, "dev", devices.seen.bridge], check=True)
    assert [state.state for state in devices.rig.status()] == ["exited", "paused"]
    assert devices.rig.up() == devices.seen
    devices.rig.unplug("color")
    assert devices.rig.up() == devices.seen
    assert [devices.banner(22, name) for name in NAMES] == [BANNER] * 2
    assert devices.seen.node_addresses[0] in {entry.address for entry in psutil.net_if_addrs()[devices.seen.bridge]}
    assert _containers(engine, devices).keys() == before


def test_new_hardware_has_the_old_address_and_another_host_key(devices: Devices) -> None:
    old, known = devices.seen, devices.seen.known_hosts.read_text()
    devices.rig.run("smiley", "touch /etc/kept /var/lib/containers/kept")
    devices.seen = devices.rig.replace("smiley")
    assert devices.address("smiley") == old.devices["smiley"].address
    assert devices.seen.devices["smiley"].host_key != old.devices["smiley"].host_key
    assert devices.seen.devices["color"] == old.devices["color"]
    assert devices.ssh("smiley", "ls /etc/kept /var/lib/containers/kept 2>/dev/null || true") == ""

    async def as_before() -> None:
        pinned = asyncssh.import_known_hosts(known)
        await asyncssh.connect(devices.address("smiley"), username="root", known_hosts=pinned, config=None)

    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        asyncio.run(as_before())


def test_two_rigs_do_not_meet_and_down_leaves_nothing_of_one(devices: Devices, own: Rig, engine: DockerClient) -> None:
    before = _containers(engine, devices)
    seen = own.up()
    assert not IPv4Network(seen.subnet).overlaps(IPv4Network(devices.seen.subnet))
    assert _left(engine, seen)
    image = lab_docker.busybox_image(engine)  # other containers in the network, as a stack has them
    others = [engine.containers.create(image, ["sleep", "1000"], network=seen.network) for _ in range(2)]
    others[0].start()
    assert own.down()
    assert not {container.id for container in engine.containers.list(all=True)} & {other.id for other in others}
    assert _left(engine, seen) == []
    assert not own.directory.exists()
    assert list(own.directory.parent.iterdir()) == []
    assert [state.state for state in own.status()] == ["absent"]
    assert not own.down()
    assert _containers(engine, devices) == before


def test_down_finds_what_is_left_when_its_directory_was_deleted(own: Rig, engine: DockerClient) -> None:
    seen = own.up()
    shutil.rmtree(own.directory)
    assert own.down()
    assert _left(engine, seen) == []


def test_who_is_not_root_sets_addresses_by_the_engine(
    devices: Devices, engine: DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = devices.seen.node_addresses[1]
    subprocess.run(["ip", "address", "delete", f"{node}/32", "dev", devices.seen.bridge], check=True)
    before = {container.id for container in engine.containers.list(all=True)}
    monkeypatch.setattr("lab.twin.devices.network.os.geteuid", lambda: 1000)
    assert devices.rig.up() == devices.seen
    assert node in {entry.address for entry in psutil.net_if_addrs()[devices.seen.bridge]}
    assert {container.id for container in engine.containers.list(all=True)} == before


@pytest.mark.parametrize(
    ("module", "step"),
    [
        ("docker.models.volumes", "VolumeCollection.create"),
        ("docker.models.containers", "Container.put_archive"),
        ("docker.models.containers", "Container.start"),
        ("lab.twin.devices.device", "Device.wait_for_boot"),
    ],
)
def test_an_up_that_was_killed_is_finished_by_the_next(own: Rig, module: str, step: str) -> None:
    program = f"""
import os, signal, {module}
from pathlib import Path
from lab.twin.devices import Rig
{module}.{step} = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
Rig(Path({str(own.directory)!r}), ["face"]).up()
"""
    first = subprocess.run([sys.executable, "-c", program], cwd=paths.CHECKOUT, check=False)
    assert first.returncode == -signal.SIGKILL
    seen = own.up()
    assert own.run("face", "cat /etc/ssh/ssh_host_ed25519_key.pub").strip() == seen.devices["face"].host_key
    assert own.run("face", "cat /root/.ssh/authorized_keys").startswith("ssh-ed25519 ")


def test_a_device_that_is_no_longer_named_goes_and_the_others_stay(own: Rig, engine: DockerClient) -> None:
    own.up()
    more = Rig(own.directory, ["color", "face"])
    seen = more.up()
    assert [device.address[-3:] for device in seen.devices.values()] == [".22", ".21"]
    fewer = Rig(own.directory, ["color"]).up()
    assert fewer.devices["color"] == seen.devices["color"]
    assert [container.name for container in engine.networks.get(seen.network).containers] == [
        seen.devices["color"].container
    ]


def _containers(engine: DockerClient, devices: Devices) -> dict[str, str]:
    """When each device's container was started, by the container's identity."""
    found = [engine.containers.get(device.container) for device in devices.seen.devices.values()]
    return {str(container.id): str(container.attrs["State"]["StartedAt"]) for container in found}


def _files(directory: Path) -> dict[Path, tuple[bytes, int]]:
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in directory.rglob("*") if path.is_file()}


def _left(engine: DockerClient, seen: RigDescription) -> list[str]:
    """What the engine and this machine still have of a rig."""
    names = [str(container.name) for container in engine.containers.list(all=True)]
    names += [str(network.name) for network in engine.networks.list()]
    names += [str(volume.name) for volume in engine.volumes.list()]
    addresses = [entry.address for entries in psutil.net_if_addrs().values() for entry in entries]
    left = {seen.network, seen.bridge, seen.gateway, *seen.node_addresses}
    left |= {device.container for device in seen.devices.values()}
    return sorted(left & {*names, *addresses, *psutil.net_if_addrs()})


def _until(condition: object, what: str, seconds: float = 60) -> None:
    assert callable(condition)
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, f"waited {seconds} s for {what}"
        time.sleep(0.02)


def _said_by(address: str, port: int) -> str:
    """A command that writes the first 8 bytes which a server sends; nothing when none answers within two seconds."""
    return f"timeout 2 bash -c 'head -c 8 </dev/tcp/{address}/{port}' 2>/dev/null; true"


def _greet(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.sendall(b"welcome!")


def _answer_names(server: socket.socket) -> None:
    """A name server that gives 10.43.0.7 for every name below `cluster.local`, and refuses the rest."""
    while True:
        try:
            query, client = server.recvfrom(512)
        except OSError:
            return
        end = query.index(b"\0", 12) + 5
        question = query[12:end]
        known = b"\x07cluster\x05local\0\0\x01" in question
        answer = b"\xc0\x0c\0\x01\0\x01\0\0\0\x05\0\x04\x0a\x2b\0\x07" if known else b""
        flags = b"\x85\x80" if b"\x07cluster" in question else b"\x85\x85"
        server.sendto(query[:2] + flags + b"\0\x01\0" + bytes([known]) + b"\0\0\0\0" + question + answer, client)
