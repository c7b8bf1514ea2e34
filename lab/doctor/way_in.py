"""How a machine of a stack file is reached over SSH, with the key that is pinned for it."""

from dataclasses import dataclass
from pathlib import Path

from domain import host_keys
from lab.doctor import ssh
from settings import Settings, files
from settings.edge_checks import host
from settings.model import WorkloadSettings


@dataclass(frozen=True, kw_only=True)
class WayIn:
    """`encrypted_key` says that the private key is a secret of the stack file, which nobody reads here."""

    settings: Settings
    project: Path
    encrypted_key: bool

    def to_device(self, index: int, workload: WorkloadSettings) -> ssh.Target:
        """The device of `workloads[index]`."""
        device = workload.device
        assert device is not None  # noqa: S101 - asked for devices only
        return self.to(
            subject=f"device {workload.name}",
            key=f"workloads[{index}].device",
            where=(
                host(workload),
                device.port or self.settings.ssh.port,
                device.user or self.settings.ssh.user,
            ),
            host_key=device.host_key,
        )

    def to(self, *, subject: str, key: str, where: tuple[str, int, str], host_key: str | None) -> ssh.Target:
        """A machine at (host, port, user) that the stack file has at `key`, with its host key when that stands there too."""
        settings, project = self.settings, self.project
        name, port, user = where
        if host_key is not None:
            pinned = host_keys.parsed(host_key)
        else:
            try:
                pinned = host_keys.known(files.text(project, settings.ssh.known_hosts), name, port)
            except ValueError:
                pinned = None
        own = settings.ssh.private_key_file
        return ssh.Target(
            subject=subject,
            host=name,
            port=port,
            user=user,
            pinned=pinned,
            pin_place=f"{key}.host-key" if host_key is not None else project / files.expanded(settings.ssh.known_hosts),
            key_file=None if self.encrypted_key or own is None else project / Path(own).expanduser(),
            encrypted_key=self.encrypted_key,
        )
