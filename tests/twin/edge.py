"""A lab with devices, and what can be seen of them from outside and from within."""

import asyncio
import hashlib
import http.client
import io
import json
import socket
import ssl
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import asyncssh
import docker
from docker.models.containers import Container

from assets.prober import grpc_health
from lab.stack_file import outside
from lab.twin.devices import Rig
from tests.twin.conftest import Lab

NAMES = ("smiley", "color")
GUEST = "smiley3"  # in a container on the devices' network
PORT = 8000
_PROXY_PORT = 4143
_UNITS = " ".join(
    f"mesh-expansion-{part}.service" for part in ("time", "routes", "redirect", "agent", "proxy", "workload")
)
# What a machine changes by itself, by running and by being logged in to.
_PASSING = ("/proc", "/sys", "/dev", "/run", "/tmp", "/var/log", "/var/tmp", "/var/lib/systemd", "/var/lib/containers")
# Chains and rules without counters; the ports of Docker's own resolver are new at every start of the container.
_RULES = "iptables-save -t nat | sed -E '/^#/d; s/ \\[[0-9:]+\\]//; s/127.0.0.11:[0-9]+/127.0.0.11/; /DOCKER_/s/--[ds]port [0-9]+//'"
_BACKUPS = ("/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/subuid-", "/etc/subgid-")


@dataclass(frozen=True)
class Snapshot:
    """What must be on a device after leaving as before joining."""

    files: frozenset[str]
    units: str
    filter: str
    routes: str
    users: str
    containers: str
    resolver: str

    def differences(self, after: "Snapshot") -> dict[str, list[str]]:
        """By kind, the lines that only one of the two has, each with `-` (was here) or `+` (is here now)."""
        found = {}
        for kind, was in vars(self).items():
            old, new = (
                set(text.splitlines() if isinstance(text, str) else text) for text in (was, getattr(after, kind))
            )
            if was != getattr(after, kind):
                found[kind] = [*(f"-{line}" for line in sorted(old - new)), *(f"+{line}" for line in sorted(new - old))]
        return found


@dataclass
class Edge:
    """The lab and its devices; `before` is how they were when nothing had been done to them."""

    lab: Lab
    rig: Rig
    before: dict[str, Snapshot] = field(default_factory=dict)

    @cached_property
    def addresses(self) -> dict[str, str]:
        devices = {name: device.address for name, device in self.rig.describe().devices.items()}
        return {**devices, **outside(self.lab.stack_file).containers}

    @cached_property
    def engine(self) -> docker.DockerClient:
        """The engine that devices and containers run on."""
        return docker.DockerClient(self.rig.describe().docker_host)

    @cached_property
    def network(self) -> str:
        """Docker's name of their network, which begins the names of all that is made for containers."""
        return self.rig.describe().network

    @property
    def guest(self) -> Container:
        """The container of the workload GUEST, as it is now."""
        return self.engine.containers.get(f"{self.network}-{GUEST}")

    @property
    def guest_key(self) -> str:
        """PEM of its own private key."""
        content, _ = self.guest.get_archive("/opt/spire/identity/device.key")
        with tarfile.open(fileobj=io.BytesIO(b"".join(content))) as archive:
            file = archive.extractfile("device.key")
            assert file, "a regular file"
            return file.read().decode()

    def in_guest(self, command: str, user: str = "") -> str:
        """Standard output of a shell command in that container."""
        found = self.guest.exec_run(["sh", "-c", command], user=user, stderr=False).output
        assert isinstance(found, bytes), "not asked to stream"
        return found.decode()

    def left_of_guests(self) -> set[str]:
        """What the engine has of containers, their keys, images and network, devices left out."""
        volumes = [str(volume.name) for volume in self.engine.volumes.list(filters={"name": self.network})]
        listed = self.engine.containers.list(all=True, filters={"name": self.network})
        tags = [tag for image in self.engine.images.list() for tag in image.tags if self.network in tag]
        return {*volumes, *(str(container.name) for container in listed), *tags}

    @cached_property
    def anchors(self) -> str:
        """PEM of the trust anchors."""
        return str(json.loads(self.lab.shell("pulumi stack output --json -s twin 2>/dev/null").text)["trustAnchors"])

    def ssh(self, name: str, command: str, given: str) -> str:
        """Both streams of a command with that on its standard input, over a connection as Pulumi makes one."""
        described = self.rig.describe()

        async def run() -> str:
            async with asyncssh.connect(
                self.addresses[name],
                username="root",
                client_keys=[str(described.client_key)],
                known_hosts=str(described.known_hosts),
                config=None,
            ) as connection:
                done = await connection.run(command, input=given, timeout=300)
            text = f"{done.stdout!s}{done.stderr!s}"
            assert done.exit_status == 0, text
            return text

        return asyncio.run(run())

    def snapshot(self, name: str) -> Snapshot:
        prune = " -o ".join(f"-path {path}" for path in _PASSING)
        listed = self.rig.run(
            name, f"find / \\( {prune} \\) -prune -o \\( -type f -o -type l \\) -printf '%p %m %u:%g %l\\n'"
        )
        sums = self.rig.run(name, "find /etc /opt /usr/local -type f -exec sha256sum {} +")
        files = [
            line for line in (listed + sums).splitlines() if line.split()[-1 if "  /" in line else 0] not in _BACKUPS
        ]
        return Snapshot(
            files=frozenset(files),
            units=self.rig.run(
                name,
                "systemctl list-unit-files --no-legend --plain; systemctl list-units --all --no-legend --plain 'mesh-*'",
            ),
            filter=self.rig.run(name, _RULES),
            routes=self.rig.run(
                name, "ip route show table all; ip -6 route show table all; ip -o link show | cut -d: -f2 | cut -d@ -f1"
            ),
            users=self.rig.run(name, "cat /etc/passwd /etc/group"),
            containers=self.rig.run(name, "podman ps --all --quiet; podman images --quiet"),
            resolver=self.rig.run(
                name, "cat /etc/resolv.conf; { resolvectl dns; resolvectl domain; } | sed 's/^Link [0-9]*/Link/'"
            ),
        )

    def identity(self, name: str) -> str:
        """The SPIFFE ID that the device's proxy proves on its inbound port. Raises OSError when it proves none."""
        context = ssl.create_default_context(cadata=self.anchors)
        context.check_hostname = False  # the name is a URI, which `match_hostname` does not know
        with (
            socket.create_connection((self.addresses[name], _PROXY_PORT), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=f"{name}.cluster.local") as secured,
        ):
            certificate: Any = secured.getpeercert() or {}
        return next(str(value) for kind, value in certificate.get("subjectAltName", ()) if kind == "URI")

    def plain(self, name: str, path: str = "/") -> int | None:
        """Status of a request in plain text to the workload's port, None when the connection ends without one."""
        connection = http.client.HTTPConnection(self.addresses[name], PORT, timeout=3)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def color_for(self, name: str) -> str:
        """What `color` answers to a gRPC call that the workload's user makes on a device; empty when nothing comes."""
        call = (
            "setpriv --reuid=65532 --regid=65532 --clear-groups curl -s -m 5 --http2-prior-knowledge"
            " -H 'content-type: application/grpc' -H 'te: trailers' --data-binary @-"
            " http://color.faces.svc.cluster.local/ColorService/Center"
        )
        return self.rig.run(name, f"head -c 5 /dev/zero | {call} | tail -c +8")

    def ready(self, name: str) -> bool:
        found = self.lab.kubectl("get", "externalworkload", name, "-n", "faces", "-o", "json", "--ignore-not-found")
        conditions = json.loads(found or "{}").get("status", {}).get("conditions", [])
        return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)

    def well(self, name: str) -> bool:
        """Whether the device has its identity and its workload answers behind the proxy, in what it speaks."""
        try:
            return self.identity(name).endswith(f"/{name}") and self._answers(name)
        except (OSError, StopIteration):
            return False

    def _answers(self, name: str) -> bool:
        if name != "color":
            return self.plain(name, "/ready") == http.client.OK
        with socket.create_connection((self.addresses[name], PORT), timeout=5) as connection:
            return grpc_health.check(connection, f"{name}.cluster.local").serving

    def logins(self, name: str) -> int:
        """How often somebody logged in over SSH since the device was made."""
        return int(self.rig.run(name, "journalctl -u ssh --no-pager -o cat | grep -c '^Accepted' || true"))

    def started(self, name: str) -> str:
        """When each of the device's units was started; not the watch, which a timer starts again and again."""
        return self.rig.run(
            name,
            f"systemctl show {_UNITS} --property=Id,ActiveEnterTimestampMonotonic,MainPID",
        )

    def digest(self, name: str, path: str) -> str:
        return hashlib.sha256(self.rig.run(name, f"cat {path}").encode()).hexdigest()


def eventually(condition: Callable[[], bool], what: str, seconds: float = 60) -> float:
    """How long it took; fails when it did not happen."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() < begun + seconds, f"waited {seconds} s for {what}"
        time.sleep(0.3)
    return time.monotonic() - begun


def pem_bodies(text: str) -> set[str]:
    """The first full base64 line of every private key in a text."""
    lines = text.replace("\\n", "\n").splitlines()
    return {lines[index + 1] for index, line in enumerate(lines[:-1]) if "BEGIN" in line and "PRIVATE KEY" in line}


def rig_of(lab: Lab) -> Rig:
    return Rig(Path(lab.home) / "twin" / "devices", NAMES)
