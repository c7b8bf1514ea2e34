"""Where the lab's own engine keeps things."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from lab import paths

LOG_NAME = "dockerd.log"
SYSTEM_SOCKET = Path("/var/run/docker.sock")  # of the machine's own service


@dataclass(frozen=True, kw_only=True)
class Places:
    """Directories and files of the lab's own engine: one engine a cache, so that two checkouts share its images.

    The socket and the runtime files lie below /run: a socket's path holds 107 bytes at most, and a checkout or a
    pytest directory is easily longer.
    """

    data: Path  # images and containers; survives `down`
    record: Path  # who runs the engine and who uses it
    lock: Path
    state: Path  # pid file, log and configuration, in the twin of the checkout that started the engine
    run: Path

    @property
    def socket(self) -> Path:
        return self.run / "docker.sock"

    @property
    def host(self) -> str:
        return f"unix://{self.socket}"

    @property
    def exec_root(self) -> Path:
        return self.run / "exec"

    @property
    def pid_file(self) -> Path:
        return self.state / "dockerd.pid"

    @property
    def log(self) -> Path:
        return self.state / LOG_NAME

    @property
    def configuration(self) -> Path:
        return self.state / "daemon.json"


def places() -> Places:
    """The places of this user's cache and this checkout's twin. Creates nothing."""
    cache = (paths.cache() / "docker").resolve()
    short = hashlib.sha256(str(cache).encode()).hexdigest()[:8]
    return Places(
        data=cache / "data",
        record=cache / "engine.json",
        lock=cache / "engine.lock",
        state=(paths.twin() / "docker").resolve(),
        run=Path("/run") / f"mesh-expansion-lab-{short}",
    )
