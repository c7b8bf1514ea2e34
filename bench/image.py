"""The image of the bench's devices: OpenSSH, a shell, OpenSSL, and the Python that Ansible needs there."""

import hashlib
import platform
from pathlib import Path

import docker
from docker.errors import ImageNotFound
from filelock import FileLock

from lab import paths
from lab.twin.devices import bootstrap

REPOSITORY = "mesh-expansion-lab/bench"
COMMAND = "/usr/local/sbin/bench-devices"
_ROOTFS = Path(__file__).parent / "rootfs"
_PACKAGES = ("curl", "iproute2", "iptables", "openssh-server", "openssl", "passwd", "python3", "tar", "util-linux")
_SET_UP = 'rm -f "$1"/etc/ssh/ssh_host_*'


def ensure_image(client: docker.DockerClient) -> str:
    """Name of the image in the engine; made, or taken from the cache, when it is not there yet.

    Raises DockerError when this machine cannot make one.
    """
    key = _key()
    name = f"{REPOSITORY}:{key}"
    kept = paths.cache() / "bench"
    kept.mkdir(parents=True, exist_ok=True)
    with FileLock(kept / "lock"):
        try:
            client.images.get(name)
        except ImageNotFound:
            archive = kept / f"{key}.tar"
            if not archive.exists():
                bootstrap.make(archive, packages=_PACKAGES, files=_ROOTFS, set_up=_SET_UP)
                for old in {*kept.glob("*.tar")} - {archive}:
                    old.unlink()
            client.api.import_image_from_file(str(archive), repository=REPOSITORY, tag=key)
    return name


def _key() -> str:
    digest = hashlib.sha256(" ".join((platform.machine(), bootstrap.release(), _SET_UP, *_PACKAGES)).encode())
    for file in sorted(path for path in _ROOTFS.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(_ROOTFS)} {file.stat().st_mode}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:12]
