"""A lab with devices, and what can be seen of them from outside and from within."""

import hashlib
import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from lab.twin.devices import Rig
from tests.twin.conftest import Lab

NAMES = ("smiley", "color")
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


@dataclass
class Edge:
    """The lab and its devices; `before` is how they were when nothing had been done to them."""

    lab: Lab
    rig: Rig
    before: dict[str, Snapshot] = field(default_factory=dict)

    @cached_property
    def addresses(self) -> dict[str, str]:
        return {name: device.address for name, device in self.rig.describe().devices.items()}

    @property
    def anchors(self) -> str:
        return str(json.loads(self.lab.shell("pulumi stack output --json -s twin 2>/dev/null").text)["trustAnchors"])

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
        context = ssl.create_default_context(cadata=self.anchors_once)
        context.check_hostname = False  # the name is a URI, which `match_hostname` does not know
        with (
            socket.create_connection((self.addresses[name], _PROXY_PORT), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=f"{name}.cluster.local") as secured,
        ):
            certificate: Any = secured.getpeercert() or {}
        return next(str(value) for kind, value in certificate.get("subjectAltName", ()) if kind == "URI")

    @cached_property
    def anchors_once(self) -> str:
        return self.anchors

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

    def ask(self, name: str, url: str) -> str:
        """Status of a request that the workload's user makes on a device; "000" when none comes back."""
        command = (
            f"setpriv --reuid=65532 --regid=65532 --clear-groups curl -s -m 5 -o /dev/null -w '%{{http_code}}' {url}"
        )
        return self.rig.run(name, f"{command} || true")

    def ready(self, name: str) -> bool:
        found = self.lab.kubectl("get", "externalworkload", name, "-n", "faces", "-o", "json", "--ignore-not-found")
        conditions = json.loads(found or "{}").get("status", {}).get("conditions", [])
        return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)

    def well(self, name: str) -> bool:
        """Whether the device has its identity and its workload answers behind the proxy."""
        try:
            return self.identity(name).endswith(f"/{name}") and self.plain(name, "/ready") == http.client.OK
        except (OSError, StopIteration):
            return False

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
