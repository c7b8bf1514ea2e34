"""A root file system from the packages of this machine's own distribution and package sources, by mmdebstrap."""

import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from lab.docker.errors import DockerError
from lab.docker.install import apt_get, debian_like, system_path

TOOL = "mmdebstrap"
ORIGINS = {"Debian", "Raspbian", "Ubuntu"}  # of the machine's sources; never its third-party ones
UNUSED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/lib/cni/*")
NO_DEVICES = "the twin's devices are made from Debian's packages"


def make(archive: Path, *, packages: Sequence[str], files: Path, set_up: str) -> None:
    """Write a tar archive with `packages`, then `files` laid over it, then the shell lines `set_up` run ("$1" is the root).

    Takes about 90 s, once; says so on stderr. The archive is there as a whole or not at all. Raises DockerError.
    """
    program = _program()
    sources = _sources()
    begun = time.monotonic()
    _say(f"making the device image of {len(packages)} packages and what they need: about 90 s, once")
    part = archive.with_suffix(".part.tar")
    command = [
        program,
        "--variant=minbase",
        "--format=tar",
        f"--include={','.join(packages)}",
        "--dpkgopt=force-unsafe-io",
        *(f"--dpkgopt=path-exclude={path}" for path in UNUSED),
        f"--customize-hook=sync-in {files} /",
        f"--customize-hook={set_up}",
        "",  # the suite is in the sources
        str(part),
        *sources,
    ]
    try:
        _run(command, begun)
        part.replace(archive)
    finally:
        part.unlink(missing_ok=True)
    _say(f"device image  done  {time.monotonic() - begun:.0f}s, {archive.stat().st_size >> 20} MB")


def release() -> str:
    """Code name of the machine's distribution, e.g. `bookworm`; "" when it has none."""
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    except OSError:
        return ""


def _program() -> str:
    if not debian_like():
        raise DockerError(f"{NO_DEVICES}, and this is neither Debian nor Ubuntu: run the lab there, e.g. in a VM")
    if not (found := shutil.which(TOOL, path=system_path())):
        if os.geteuid() != 0:
            raise DockerError(f"{NO_DEVICES} by {TOOL}, and only root may install it: `apt-get install {TOOL}`")
        _say(f"installing {TOOL} with apt-get, to make the device image")
        apt_get("update")
        apt_get("install", "--yes", "--no-install-recommends", TOOL)
        found = shutil.which(TOOL, path=system_path())
    if not found:
        raise DockerError(f"apt-get installed {TOOL}, but it is not on the PATH: put it there")
    return found


def _sources() -> list[str]:
    """Lines of a sources.list: the distribution's own among the machine's sources, mirrors included."""
    fields = "\t".join(("$(REPO_URI)", "$(RELEASE)", "$(COMPONENT)", "$(ORIGIN)", "$(CODENAME)"))
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", fields, "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    lines = dict[str, None]()  # in the order of the machine's own
    for target in listed.stdout.splitlines():
        address, suite, component, origin, name = target.split("\t")
        if origin in ORIGINS and name.startswith(release()) and not name.endswith("-backports"):
            lines[f"deb {address} {suite} {component}"] = None
    if not lines:
        raise DockerError(
            f"{NO_DEVICES}, and apt knows none of {release() or 'this release'}: run `apt-get update`, "
            "and see that the distribution is among the package sources"
        )
    return list(lines)


def _run(command: list[str], begun: float) -> None:
    environment = {**os.environ, "PATH": system_path(), "LC_ALL": "C"}
    said: list[str] = []
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        for line in process.stdout or ():
            said.append(line.rstrip())
            if line.startswith("I: ") and line.endswith("...\n"):
                _say(f"device image  {line[3:-4]}  {time.monotonic() - begun:.0f}s")
    if process.returncode:
        telling = [line for line in said if line.startswith("E: ")] or said
        raise DockerError(
            f"{TOOL} ended with {process.returncode}: {' / '.join(telling[-4:])}\n"
            "Put the package sources or the disk right and run this again"
        )


def _say(message: str) -> None:
    sys.stderr.write(f"lab: {message}\n")
    sys.stderr.flush()
