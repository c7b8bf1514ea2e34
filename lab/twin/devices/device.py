"""One device: a container that runs systemd, sshd and podman like a Pi. It has no port on this machine."""

import io
import socket
import tarfile
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import docker
from docker.errors import NotFound
from docker.models.containers import Container

from lab.docker.errors import DockerError
from lab.twin.devices import network
from lab.twin.devices.layout import SHARED, Layout
from lab.twin.devices.shell import shell

HOST_KEY_LABEL = "mesh-expansion-lab.host-key"
BOOT_SECONDS = 90.0
SHUTDOWN_SECONDS = 20
POLL_SECONDS = 0.05
# What systemd and podman need of a container, and no more: an engine may refuse `--privileged`.
CAPABILITIES = ["NET_ADMIN", "NET_RAW", "SYS_ADMIN", "SYS_PTRACE"]


class DeviceState(NamedTuple):
    """`state` is Docker's (`running`, `exited`, `paused`), or `absent`; `failed` are the units that failed."""

    name: str
    container: str
    state: str
    failed: tuple[str, ...] = ()


class Device:
    """The device `name` of the rig `at`."""

    def __init__(self, client: docker.DockerClient, at: Layout, name: str) -> None:
        self.name = name
        self._client = client
        self._at = at

    def find(self) -> Container | None:
        """Its container as it is now, or None."""
        try:
            return self._client.containers.get(self._at.container(self.name))
        except NotFound:
            return None

    def container(self) -> Container:
        """Its container. Raises DockerError when there is none."""
        if container := self.find():
            return container
        raise DockerError(f"there is no device {self.name}: bring the devices up first")

    def create(self, image: str, address: str, host_key: bytes, host_key_line: str, authorized_key: str) -> None:
        """Make and start it, as new hardware: what an earlier one of that name held is gone."""
        self.remove()
        name = self._at.container(self.name)
        self._client.volumes.create(name, labels=self._at.labels)
        api = self._client.api
        limits = api.create_host_config(
            cap_add=CAPABILITIES,
            security_opt=["apparmor=unconfined", "seccomp=unconfined"],
            # The kernel shows systemd its place in the machine's own tree; a private one would be read-only.
            cgroupns="host",
            binds={
                "/sys/fs/cgroup": {"bind": "/sys/fs/cgroup", "mode": "rw"},
                name: {"bind": "/var/lib/containers", "mode": "rw"},  # podman's overlay cannot lie on Docker's
                **(
                    {str(self._at.shared[self.name]): {"bind": SHARED, "mode": "ro"}}
                    if self.name in self._at.shared
                    else {}
                ),
            },
            tmpfs={"/run": "", "/run/lock": "", "/tmp": "exec,mode=1777"},  # noqa: S108 - the device's own
            network_mode=self._at.network,
        )
        limits |= {"MaskedPaths": [], "ReadonlyPaths": []}  # podman mounts a /proc of its own
        made = api.create_container(
            image,
            name=name,
            hostname=self.name,
            labels={**self._at.labels, HOST_KEY_LABEL: host_key_line},
            host_config=limits,
            networking_config={"EndpointsConfig": {self._at.network: {"IPAMConfig": {"IPv4Address": address}}}},
            stop_signal="SIGRTMIN+3",  # systemd: halt
        )
        container = self._client.containers.get(made["Id"])
        container.put_archive("/", _files(host_key, host_key_line, authorized_key))
        container.start()

    def remove(self) -> None:
        """Take container and volume away; nothing happens when there are none."""
        if container := self.find():
            container.remove(force=True, v=True)
        with suppress(NotFound):
            self._client.volumes.get(self._at.container(self.name)).remove()

    def start(self) -> None:
        """Power on; a device that runs goes on as it is."""
        container = self.container()
        if container.status == "paused":
            container.unpause()
        container.start()

    def stop(self, *, hard: bool = False) -> None:
        """Shut it down; `hard` pulls the power plug."""
        container = self.container()
        if hard:
            container.kill()
            container.wait(timeout=SHUTDOWN_SECONDS)
        else:
            container.stop(timeout=SHUTDOWN_SECONDS)

    def run(self, *command: str) -> tuple[int, str]:
        """Exit status and both streams of a command on it, as root, without SSH."""
        status, output = self.container().exec_run(list(command))
        return status or 0, (output if isinstance(output, bytes) else b"".join(output)).decode(errors="replace")

    def shell(self, command: str) -> tuple[int, str]:
        """Exit status and both streams of a shell command, whole also where the engine is under load."""
        return shell(self.container(), command)

    def cable(self) -> str:
        """The machine's end of its network cable: the name of an interface."""
        status, index = self.run("cat", "/sys/class/net/eth0/iflink")
        if status:
            raise DockerError(f"device {self.name} has no network interface: {index.strip()}")
        return network.interface_number(int(index))

    def failed_units(self) -> tuple[str, ...]:
        _, listed = self.run("systemctl", "list-units", "--failed", "--plain", "--no-legend", "--no-pager")
        return tuple(line.split()[0] for line in listed.splitlines() if line.strip())

    def state(self) -> DeviceState:
        """What it is doing; a running one is asked for failed units."""
        name = self._at.container(self.name)
        if not (container := self.find()):
            return DeviceState(self.name, name, "absent")
        return DeviceState(
            self.name, name, container.status, self.failed_units() if container.status == "running" else ()
        )

    def wait_for_ssh(self) -> None:
        """Until its sshd answers. Raises DockerError, with what the device says, after 90 s."""
        endpoint = self.container().attrs["NetworkSettings"]["Networks"][self._at.network]
        address = endpoint["IPAMConfig"]["IPv4Address"]
        self._wait(lambda: answers(address), f"sshd on {address}:22 to answer")

    def wait_for_boot(self) -> None:
        """Until systemd has started everything; a unit that failed is a DockerError.

        For new devices: what a used one starts, and whether that works, is not the rig's business.
        """
        self._wait(lambda: self.run("systemctl", "is-system-running")[1].strip() in ("running", "degraded"), "systemd")
        if failed := self.failed_units():
            _, said = self.run(
                "journalctl", "--boot", "--no-pager", "--lines=5", *(f"--unit={unit}" for unit in failed)
            )
            raise DockerError(f"device {self.name}: {', '.join(failed)} failed at the first start:\n{said.strip()}")

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        limit = time.monotonic() + BOOT_SECONDS
        while True:
            if (container := self.container()).status == "exited":
                said = container.logs(tail=5).decode(errors="replace").strip()
                raise DockerError(f"device {self.name} ended while starting: {said or 'it said nothing'}")
            if condition():
                return
            if time.monotonic() > limit:
                _, said = self.run("systemctl", "list-jobs", "--no-pager")
                raise DockerError(
                    f"device {self.name}: waited {BOOT_SECONDS:.0f} s for {what}. What it is doing:\n{said.strip()}"
                )
            time.sleep(POLL_SECONDS)


def answers(address: str) -> bool:
    """Does an SSH server introduce itself at port 22?"""
    try:
        with socket.create_connection((address, 22), timeout=2) as connection:
            connection.settimeout(2)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _files(host_key: bytes, host_key_line: str, authorized_key: str) -> bytes:
    """What makes it this device, as a tar archive for `/`."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:

        def add(path: str, mode: int, owner: int, content: bytes | None = None) -> None:
            entry = tarfile.TarInfo(path)
            entry.mode, entry.uid, entry.gid, entry.mtime = mode, owner, owner, int(time.time())
            entry.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            entry.size = len(content or b"")
            tar.addfile(entry, io.BytesIO(content or b""))

        add("etc/ssh/ssh_host_ed25519_key", 0o600, 0, host_key)
        add("etc/ssh/ssh_host_ed25519_key.pub", 0o644, 0, f"{host_key_line}\n".encode())
        for home, owner in (("root", 0), ("home/pi", 1000)):
            add(f"{home}/.ssh", 0o700, owner)
            add(f"{home}/.ssh/authorized_keys", 0o600, owner, f"{authorized_key}\n".encode())
    return archive.getvalue()
