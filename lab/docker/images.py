"""A test image without a registry: one static busybox, imported into the engine."""

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from docker import DockerClient
from docker.errors import APIError, ImageNotFound
from filelock import FileLock

from lab import paths
from lab.docker.errors import DockerError
from lab.docker.install import apt_get, debian_like

REPOSITORY = "mesh-expansion-lab/busybox"
TAG = "1"
PACKAGE = "busybox-static"
PT_INTERP = b"/ld-linux"  # in the name of every dynamic loader on Linux; a static program names none
SMALL_FILES = {
    "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": b"root:x:0:\nnogroup:x:65534:\n",
}


def busybox_image(client: DockerClient) -> str:
    """Name of an image whose `/bin` holds busybox and a link for each of its programs; imported when it is missing.

    The program is the machine's own static busybox, else Debian's `busybox-static`, downloaded by apt-get without
    installing it, and kept in the cache. Raises DockerError when neither can be had.
    """
    name = f"{REPOSITORY}:{TAG}"
    try:
        client.images.get(name)
    except ImageNotFound:
        try:
            client.api.import_image_from_data(
                _root(_busybox()), repository=REPOSITORY, tag=TAG, changes=['CMD ["/bin/sh"]']
            )
        except APIError as refused:
            raise DockerError(f"the engine did not take the image {name}: {refused.explanation}") from refused
    return name


def _busybox() -> Path:
    kept = paths.cache() / "docker" / "busybox"
    kept.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(kept.with_suffix(".lock")):
        if not kept.exists():
            found = shutil.which("busybox", path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/bin"]))
            part = kept.with_suffix(".part")
            if found and _is_static(Path(found)):
                shutil.copyfile(found, part)
            else:
                _download(part)
            part.chmod(0o755)
            part.replace(kept)
    return kept


def _download(target: Path) -> None:
    if not debian_like() or not shutil.which("dpkg-deb"):
        raise DockerError(
            f"no static busybox on the PATH: install your distribution's {PACKAGE} (or put one on the PATH)"
        )
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)  # apt-get downloads as a user of its own
        if os.geteuid() == 0:
            apt_get("update")
        apt_get("download", PACKAGE, directory=directory)
        package = next(directory.glob(f"{PACKAGE}_*.deb"))
        subprocess.run(["dpkg-deb", "--extract", str(package), str(directory / "root")], check=True, timeout=60)
        program = next(
            path for path in (directory / "root").rglob("busybox") if path.is_file() and path.parent.name == "bin"
        )
        shutil.copyfile(program, target)


def _root(busybox: Path) -> bytes:
    """A root file system as a tar archive."""
    listed = subprocess.run([str(busybox), "--list"], capture_output=True, text=True, check=True, timeout=10)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for directory in ("bin", "dev", "etc", "proc", "root", "sys", "tmp"):
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if directory == "tmp" else 0o755
            tar.addfile(entry)
        program = tarfile.TarInfo("bin/busybox")
        program.mode, program.size = 0o755, busybox.stat().st_size
        with busybox.open("rb") as content:
            tar.addfile(program, content)
        for applet in sorted({*listed.stdout.split()} - {"busybox"}):
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        for path, content_bytes in SMALL_FILES.items():
            file = tarfile.TarInfo(path)
            file.mode, file.size = 0o644, len(content_bytes)
            tar.addfile(file, io.BytesIO(content_bytes))
    return archive.getvalue()


def _is_static(program: Path) -> bool:
    return PT_INTERP not in program.read_bytes()[:8192]  # the loader's name stands right behind the ELF header
