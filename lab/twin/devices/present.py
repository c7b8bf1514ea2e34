"""The engine that answers now, to look at without installing or starting one."""

import os

from lab.docker.places import SYSTEM_SOCKET, places
from lab.docker.reach import DockerEngine, answering
from lab.docker.record import read_record


def present() -> DockerEngine | None:
    """The engine that `ensure` would use, when it answers already; None otherwise."""
    if chosen := os.environ.get("DOCKER_HOST"):
        return answering(chosen)
    if SYSTEM_SOCKET.exists() and (engine := answering(f"unix://{SYSTEM_SOCKET}")):
        return engine
    record = read_record(places().record)
    return answering(record.host, ours=True) if record and record.process() else None
