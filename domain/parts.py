"""The parts of a device: its systemd units in the order in which they come up, and what each of them reads."""

from dataclasses import dataclass, replace
from pathlib import PurePosixPath

_PREFIX = "mesh-expansion-"
_QUADLETS = "/etc/containers/systemd/"
_UNITS = "/etc/systemd/system/"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One unit of a device. `seconds` is how long it may take to come up, `fix` the next step when it does not."""

    name: str
    unit: str
    seconds: int
    fix: str


PARTS = (
    Part(
        name="resolver",
        unit="systemd-resolved.service",
        seconds=30,
        fix="see what the log says about the drop-in mesh-expansion.conf",
    ),
    Part(
        name="time",
        unit="mesh-expansion-time.service",
        seconds=120,
        fix="set the clock: let systemd-timesyncd or chrony reach a time server",
    ),
    Part(
        name="routes",
        unit="mesh-expansion-routes.service",
        seconds=30,
        fix="check that the nodes are on the device's own network, and remove routes of others to the same ranges",
    ),
    Part(
        name="redirect",
        unit="mesh-expansion-redirect.service",
        seconds=30,
        fix="check that iptables can change the nat and filter tables of this kernel",
    ),
    Part(
        name="agent",
        unit="mesh-expansion-agent.service",
        seconds=120,
        fix="check that the SPIRE server's port can be reached from the device and that the server trusts the device CA",
    ),
    Part(
        name="proxy",
        unit="mesh-expansion-proxy.service",
        seconds=120,
        fix="check the workload's ClusterStaticEntry: its parent must be this device's agent",
    ),
    Part(
        name="workload",
        unit="mesh-expansion-workload.service",
        seconds=120,
        fix="check the image and its environment: it must listen on the workload's port",
    ),
    Part(
        name="watch",
        unit="mesh-expansion-watch.timer",
        seconds=30,
        fix="see the timer's log",
    ),
)

# For a device that runs a SPIRE server of its own.
_SERVER = Part(
    name="server",
    unit="mesh-expansion-server.service",
    seconds=120,
    fix="check that the intermediate's certificate is valid now, and raise spire.intermediate for a new one",
)
_SEE_SERVER = "see the log of mesh-expansion-server.service on this device"

_READERS = {
    "/etc/mesh-expansion/agent.conf": ("agent",),
    "/etc/mesh-expansion/container.env": ("workload",),
    "/etc/mesh-expansion/device-ca.crt": ("server",),
    "/etc/mesh-expansion/device.crt": ("agent",),
    "/etc/mesh-expansion/device.env": ("redirect", "proxy", "workload"),
    "/etc/mesh-expansion/entry.env": ("server",),
    "/etc/mesh-expansion/intermediate.crt": ("server",),
    "/etc/mesh-expansion/networks": ("redirect",),
    "/etc/mesh-expansion/proxy.env": ("proxy",),
    "/etc/mesh-expansion/routes": ("routes",),
    # The proxy takes trust anchors at its start only.
    "/etc/mesh-expansion/server.conf": ("server",),
    "/etc/mesh-expansion/trust-anchors.pem": ("server", "agent", "proxy"),
    "/etc/mesh-expansion/workload.env": ("workload",),
    "/etc/systemd/resolved.conf.d/mesh-expansion.conf": ("resolver",),
    "/opt/mesh-expansion/bin/linkerd2-proxy": ("proxy",),
    "/opt/mesh-expansion/bin/redirect": ("redirect",),
    "/opt/mesh-expansion/bin/routes": ("routes",),
    "/opt/mesh-expansion/bin/run-proxy": ("proxy",),
    "/opt/mesh-expansion/bin/spire-agent": ("agent",),
    "/opt/mesh-expansion/bin/spire-server": ("server",),
}
SYSTEMD = "systemd"  # not a unit: it reads unit files again


def parts(*, bundled: bool) -> tuple[Part, ...]:
    """The parts of a device; `bundled` when it runs a SPIRE server of its own, which comes up before the agent."""
    if not bundled:
        return PARTS
    found: list[Part] = []
    for part in PARTS:
        if part.name == "agent":
            found.append(_SERVER)
        found.append(replace(part, fix=_SEE_SERVER) if part.name in ("agent", "proxy") else part)
    return tuple(found)


def readers(path: str) -> tuple[str, ...]:
    """The parts that must start again when the file at `path` changes, where a device has them.

    Scripts that run anew each time have none.
    """
    if path.startswith((_UNITS, _QUADLETS)):
        name = PurePosixPath(path).stem.removeprefix(_PREFIX)
        # The service behind the timer runs anew each time; the timer is what is up.
        restarted = () if path.endswith(f"{_PREFIX}watch.service") else (name,)
        return (SYSTEMD, *restarted)
    return _READERS.get(path, ())


def container_manager(path: str) -> str:
    """Which podman takes the file: `quadlet`, `plain` where it has no Quadlet, or `always`."""
    if path.startswith(_QUADLETS):
        return "quadlet"
    return "plain" if path == f"{_UNITS}{_PREFIX}workload.service" else "always"
