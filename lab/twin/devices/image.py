"""The device image: a Debian with systemd, sshd and podman, made from packages of this machine's own sources."""

import hashlib
import platform
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import docker
from docker.errors import APIError, ImageNotFound
from filelock import FileLock

from lab import paths
from lab.twin.devices import bootstrap

REPOSITORY = "mesh-expansion-lab/device"
ROOTFS = Path(__file__).parent / "rootfs"
KEPT = 3
COMMAND = "/usr/local/sbin/twin-init"
PACKAGES = (
    "ca-certificates", "crun", "curl", "dbus", "iproute2", "iptables", "kmod", "openssh-server", "openssl", "podman",
    "procps", "sudo", "systemd", "systemd-resolved", "systemd-sysv", "systemd-timesyncd",
)  # fmt: skip
# In the new system, as root. Kernel parameters of a container that sees all of /proc/sys would be this machine's own.
SET_UP = """
cd "$1"
rm -f usr/lib/sysctl.d/*.conf etc/sysctl.d/*.conf etc/ssh/ssh_host_* etc/hostname var/lib/dbus/machine-id
chmod 0440 etc/sudoers.d/pi
chroot . useradd --create-home --shell /bin/bash pi
chroot . systemctl --quiet enable twin-network.service systemd-resolved.service ssh.service
chroot . systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer
: >etc/machine-id
rm -f etc/resolv.conf && : >etc/resolv.conf
"""


def ensure_image(client: docker.DockerClient) -> str:
    """Name of the device image in the engine; made, or taken from the cache, when it is not there yet.

    Raises DockerError when this machine cannot make one.
    """
    key = _key()
    name = f"{REPOSITORY}:{key}"
    if _present(client, name):
        return name
    kept = paths.cache() / "devices"
    kept.mkdir(parents=True, exist_ok=True)
    with FileLock(kept / "lock"):
        if _present(client, name):
            return name
        archive = kept / f"{key}.tar"
        if not archive.exists():
            bootstrap.make(archive, packages=PACKAGES, files=ROOTFS, set_up=SET_UP)
            _forget_old(client, kept)
        client.api.import_image_from_file(
            str(archive),
            repository=REPOSITORY,
            tag=key,
            changes=[f'CMD ["{COMMAND}"]', "ENV container=docker"],  # systemd asks this variable where it is
        )
    return name


def _forget_old(client: docker.DockerClient, kept: Path) -> None:
    """Two checkouts may want different images; what none has made lately goes, unless a device still runs on it."""
    for archive in sorted(kept.glob("*.tar"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
        with suppress(APIError):
            client.images.remove(f"{REPOSITORY}:{archive.stem}")
        archive.unlink()


def _present(client: docker.DockerClient, name: str) -> bool:
    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    return True


def _key() -> str:
    """Stands for all that goes into the image but the packages' versions: those age with the cache."""
    digest = hashlib.sha256()
    for part in _parts():
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:12]


def _parts() -> Iterator[bytes]:
    yield " ".join((platform.machine(), bootstrap.release(), *PACKAGES)).encode()
    yield SET_UP.encode()
    for path in sorted(path for path in ROOTFS.rglob("*") if path.is_file()):
        yield f"{path.relative_to(ROOTFS)} {path.stat().st_mode & 0o111:o}".encode()
        yield path.read_bytes()
