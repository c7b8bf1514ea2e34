"""Images for edge containers where no registry can be reached: a small Debian, and one of the parts that go onto it."""

import hashlib
import io
import platform
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

import docker
from docker.errors import ImageNotFound
from filelock import FileLock

from lab import paths
from lab.twin.devices import bootstrap

BASE = "mesh-expansion-lab/base"
PARTS = "mesh-expansion-lab/parts"
# What assets/images/*/Dockerfile would install; with it there, a build needs no network.
PACKAGES = (
    "ca-certificates", "curl", "dnsmasq-base", "iproute2", "iptables", "openssl", "passwd", "procps", "util-linux",
)  # fmt: skip


def base_image(client: docker.DockerClient) -> str:
    """Name of an image that external base images are built on; made, or taken from the cache, when it is not there yet.

    Raises DockerError when this machine cannot make one.
    """
    key = hashlib.sha256(" ".join((platform.machine(), bootstrap.release(), *PACKAGES)).encode()).hexdigest()[:12]
    name = f"{BASE}:{key}"
    if _present(client, name):
        return name
    kept = paths.cache() / "containers"
    kept.mkdir(parents=True, exist_ok=True)
    with FileLock(kept / "lock"), tempfile.TemporaryDirectory() as nothing:
        Path(nothing).chmod(0o755)  # becomes the mode of the new root
        if not _present(client, name):
            archive = kept / f"{key}.tar"
            if not archive.exists():
                bootstrap.make(archive, packages=PACKAGES, files=Path(nothing), set_up="true")
                for old in set(kept.glob("*.tar")) - {archive}:
                    old.unlink()
            client.api.import_image_from_file(str(archive), repository=BASE, tag=key)
    return name


def parts_image(
    client: docker.DockerClient, *, proxy: Path, agent: Path, workload: Path | None = None, repository: str = PARTS
) -> str:
    """Name of an image that holds a linkerd2-proxy, a spire-agent and a workload where their official images do.

    Its tag stands for its content, so that a build with other programs is another build; what an earlier one held goes.
    """
    files = {"usr/lib/linkerd/linkerd2-proxy": proxy, "opt/spire/bin/spire-agent": agent}
    if workload:
        files["workload"] = workload
    key = _key(files)
    name = f"{repository}:{key}"
    if not _present(client, name):
        client.api.import_image_from_data(_archive(files), repository=repository, tag=key)
        forget(client, repository, but=name)
    return name


def forget(client: docker.DockerClient, repository: str, but: str = "") -> None:
    """Remove the images of a repository from the engine."""
    for tag in [tag for image in client.images.list(name=repository) for tag in image.tags]:
        if tag != but and tag.rpartition(":")[0] == repository:
            client.images.remove(tag)


def _key(files: Mapping[str, Path]) -> str:
    digest = hashlib.sha256()
    for name, source in files.items():
        with source.open("rb") as content:
            digest.update(f"{name} {hashlib.file_digest(content, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()[:12]


def _archive(files: Mapping[str, Path]) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, source in files.items():
            entry = tarfile.TarInfo(name)  # no time and no owner: the same programs give the same bytes
            entry.mode, entry.size = 0o755, source.stat().st_size
            with source.open("rb") as content:
                tar.addfile(entry, content)
    return archive.getvalue()


def _present(client: docker.DockerClient, name: str) -> bool:
    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    return True
