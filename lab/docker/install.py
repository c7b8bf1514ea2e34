"""Installing an engine: the distribution's own package, on Debian and its kin, as root, and never silently."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from lab.docker.errors import DockerError

PACKAGES = ("docker.io", "iptables")  # docker.io only recommends iptables, yet no bridge network works without it
MANUAL = (
    "install Docker Engine with your distribution's packages (Debian, Ubuntu: `apt-get install docker.io iptables`) and "
    "start it, or set DOCKER_HOST to an engine that you may use"
)
APT_OPTIONS = (
    "-o", "Acquire::Retries=2",
    "-o", "Acquire::http::Timeout=30",
    "-o", "Acquire::https::Timeout=30",
    "-o", "DPkg::Lock::Timeout=120",  # another engineer's or a timer's apt-get may hold the lock
)  # fmt: skip
INSTALL_SECONDS = 900


def install_engine() -> Path:
    """Path of `dockerd`, installed by apt-get when the machine has none. Needs root for the installation.

    Raises DockerError, with what to install, when this machine is not one where the lab may do so.
    """
    present = dockerd()
    if present and shutil.which("iptables", path=system_path()):
        return present
    if os.geteuid() != 0:
        raise DockerError(f"no Docker engine answers and only root may install one (uid is {os.geteuid()}): {MANUAL}")
    if not debian_like():
        raise DockerError(
            f"no Docker engine answers on {_distribution_name()}, where the lab installs nothing: {MANUAL}"
        )
    _say(f"no Docker engine answers: installing {' and '.join(PACKAGES)} of {_distribution_name()} with apt-get")
    apt_get("update")
    apt_get("install", "--yes", "--no-install-recommends", *PACKAGES)
    installed = dockerd()
    if not installed:
        raise DockerError(f"apt-get installed {', '.join(PACKAGES)} but there is no `dockerd` on the PATH: {MANUAL}")
    return installed


def apt_get(*arguments: str, directory: Path | None = None) -> None:
    """Run apt-get in `directory`; raises DockerError with the end of its output when it fails."""
    command = ["apt-get", *APT_OPTIONS, *arguments]
    # RUNLEVEL keeps a package's init script from starting the engine by itself; the lab or systemd starts it.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DockerError(f"`apt-get {arguments[0]}` took more than {INSTALL_SECONDS} s: {MANUAL}") from None
    except FileNotFoundError:
        raise DockerError(f"there is no apt-get on the PATH: {MANUAL}") from None
    if done.returncode:
        raise DockerError(
            f"`apt-get {' '.join(arguments)}` ended with {done.returncode}: {_tail(done.stdout)}\n"
            f"Put the package sources right and run this again, or {MANUAL}"
        )


def debian_like() -> bool:
    """Is this Debian, Ubuntu or a distribution made from them?"""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return False
    names = {release.get("ID", ""), *release.get("ID_LIKE", "").split()}
    return bool(names & {"debian", "ubuntu"})


def dockerd() -> Path | None:
    """The engine's program; a `docker` client alone is none."""
    found = shutil.which("dockerd", path=system_path())
    return Path(found) if found else None


def system_path() -> str:
    """PATH with the directories of system programs, which a user's PATH may lack."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def _distribution_name() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "this distribution")
    except OSError:
        return platform.system()


def _tail(output: str, lines: int = 6) -> str:
    return "\n".join(output.strip().splitlines()[-lines:])


def _say(message: str) -> None:
    sys.stderr.write(f"lab: {message}\n")
    sys.stderr.flush()
