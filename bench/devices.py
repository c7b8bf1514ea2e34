"""Fifty devices in one container: each has an sshd on a port of its own, and its own /etc, /opt, /root, /run, /tmp and /var/lib."""

import io
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.models.containers import Container

from bench.image import COMMAND
from lab.docker import DockerError
from lab.twin.devices import keys

FIRST_PORT = 2201
_START_SECONDS = 60
_POLL_SECONDS = 0.2
_NANO = 1e-9
# In nanoseconds; the engine itself does not always know. The second is what a kernel with cgroups of version 1 has.
_CPU = "cd /sys/fs/cgroup; sed -n 's/usage_usec \\(.*\\)/\\1000/p' cpu.stat 2>/dev/null || cat cpuacct/cpuacct.usage"


@dataclass(frozen=True, kw_only=True)
class Devices:
    """New devices. All have one address and one host key; `gateway` is this machine, and stands for the cluster's node."""

    container: Container
    address: str
    gateway: str
    ports: tuple[int, ...]
    host_key: str
    client_key: Path

    def cpu_seconds(self) -> float:
        """Processor time of everything that ran on the devices so far: sshd, shells and what they start."""
        _, text = self.container.exec_run(["sh", "-c", _CPU])
        return int(text if isinstance(text, bytes) else b"".join(text)) * _NANO


@contextmanager
def devices(client: docker.DockerClient, image: str, count: int, directory: Path) -> Iterator[Devices]:
    """`count` devices as nobody has touched them; taken away at the end. `directory` keeps their keys.

    Raises DockerError when they do not come up.
    """
    client_line = keys.ensure_key(directory / "client_ed25519")
    host_line = keys.ensure_key(directory / "host_ed25519")
    container = client.containers.create(
        image,
        [COMMAND, str(count)],
        cap_add=["SYS_ADMIN"],  # each device mounts its own directories
        security_opt=["apparmor=unconfined", "seccomp=unconfined"],
        pids_limit=-1,
    )
    try:
        container.put_archive("/etc/ssh", _key_files(directory / "host_ed25519", client_line))
        container.start()
        _wait(container, count)
        container.reload()
        network = container.attrs["NetworkSettings"]["Networks"]["bridge"]
        yield Devices(
            container=container,
            address=network["IPAddress"],
            gateway=network["Gateway"],
            ports=tuple(range(FIRST_PORT, FIRST_PORT + count)),
            host_key=host_line,
            client_key=directory / "client_ed25519",
        )
    finally:
        container.remove(force=True, v=True)


def _key_files(host_key: Path, client_line: str) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, content in (
            ("ssh_host_ed25519_key", host_key.read_bytes()),
            ("authorized_keys", f"{client_line}\n".encode()),
        ):
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = 0o600, len(content)
            tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


def _wait(container: Container, count: int) -> None:
    """Until all listen; without a connection, since sshd counts those that do not log in."""
    limit = time.monotonic() + _START_SECONDS
    while True:
        status, listed = container.exec_run(["ss", "-Hltn4"])
        found = sum(f":{FIRST_PORT + index} ".encode() in listed for index in range(count))
        if status == 0 and found == count:
            return
        container.reload()
        if container.status == "exited" or time.monotonic() > limit:
            said = container.logs(tail=5).decode(errors="replace").strip()
            raise DockerError(
                f"bench: {found} of {count} sshd listen after {_START_SECONDS} s; expected all; "
                f"fix: see what they said: {said or 'nothing'}"
            )
        time.sleep(_POLL_SECONDS)
