"""The Docker engine of a lab machine: use the one that answers, else install and start one; stop only what is ours."""

import os
import time
from pathlib import Path

from filelock import FileLock

from lab.docker import daemon
from lab.docker.errors import DockerError
from lab.docker.install import dockerd, install_engine
from lab.docker.places import SYSTEM_SOCKET, Places, places
from lab.docker.reach import DockerEngine, answering
from lab.docker.record import read_record, write_record

__all__ = ["DockerEngine", "DockerError", "down", "ensure"]

SYSTEMD = Path("/run/systemd/system")
SYSTEMD_START_SECONDS = 20


def ensure() -> DockerEngine:
    """An engine that answers: DOCKER_HOST's, the machine's, the lab's own, or a new one of the lab's own.

    Nothing is installed or started while one answers. To install or start one takes root (and Debian, Ubuntu or kin
    to install), and is said on stderr. Raises DockerError with what to do when no engine can be had.
    """
    if chosen := os.environ.get("DOCKER_HOST"):
        if engine := answering(chosen):
            return engine
        raise DockerError(f"DOCKER_HOST is {chosen}, where no engine answers: start it, or unset DOCKER_HOST")
    if engine := _machines_engine():
        return engine
    at = places()
    if os.geteuid() != 0 and not read_record(at.record):
        install_engine()  # says what is missing; nothing below works for a plain user
    at.lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(at.lock):
        return _own_engine(at)


def down() -> bool:
    """Stop the lab's own engine once no other checkout uses it. True when there was one of ours to leave or to stop."""
    at = places()
    if not read_record(at.record):
        return False
    with FileLock(at.lock):
        record = read_record(at.record)
        if not record:
            return False
        record = record.left_by(at.state)
        if record.users and record.process():
            write_record(at.record, record)
            return True
        daemon.stop(record, at)
        at.record.unlink(missing_ok=True)
        return True


def _own_engine(at: Places) -> DockerEngine:
    record = read_record(at.record)
    if record and record.process():
        at.state.mkdir(parents=True, exist_ok=True)
        write_record(at.record, record.used_by(at.state))
        return daemon.wait(record, at)  # it may be starting still, or slow on a busy machine; it is not replaced
    if record:
        daemon.stop(record, at)  # a killed engine leaves containers, mounts and rules
        at.record.unlink(missing_ok=True)
    new = not dockerd()
    install_engine()
    if new and (engine := _machines_engine(wait=SYSTEMD.is_dir())):
        return engine
    record = daemon.start(at)
    write_record(at.record, record)
    return daemon.wait(record, at)


def _machines_engine(*, wait: bool = False) -> DockerEngine | None:
    """The engine of the machine's own service; with `wait`, after its installation gave systemd the start of it."""
    limit = time.monotonic() + (SYSTEMD_START_SECONDS if wait else 0)
    while True:
        if SYSTEM_SOCKET.exists() and (engine := answering(f"unix://{SYSTEM_SOCKET}")):
            return engine
        if time.monotonic() >= limit:
            return None
        time.sleep(0.5)
