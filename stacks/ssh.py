"""How the machines of a lab are reached: what the settings say, with the keys read."""

from pathlib import Path

from components.edge.connection import Connection
from domain import host_keys
from settings import Settings
from settings.cluster import K3sClusterSettings
from settings.edge_checks import host, host_key, known_key
from settings.model import WorkloadSettings


def to_device(settings: Settings, workload: WorkloadSettings) -> Connection:
    """To the workload's device; only for settings that were checked."""
    device = workload.device
    assert device is not None  # noqa: S101 - asked for devices only
    return Connection(
        host=host(workload),
        port=device.port or settings.ssh.port,
        user=device.user or settings.ssh.user,
        # A machine that is gone is not asked, so nobody needs to know it.
        host_key=host_key(settings, workload, Path()) or "",
        private_key=_private_key(settings),
    )


def to_server(settings: Settings, asked: K3sClusterSettings) -> Connection:
    """To the cluster's machine; only for settings that were checked."""
    port = asked.port or settings.ssh.port
    pinned = host_keys.parsed(asked.host_key) if asked.host_key else known_key(settings, asked.host, port, Path())
    return Connection(
        host=asked.host,
        port=port,
        user=asked.user or settings.ssh.user,
        host_key=pinned or "",
        private_key=_private_key(settings),
    )


def _private_key(settings: Settings) -> str | None:
    file = settings.ssh.private_key_file
    return settings.ssh_private_key or (Path(file).expanduser().read_text() if file else None)
