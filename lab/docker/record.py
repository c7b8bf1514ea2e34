"""What is known of the lab's own engine: which process it is and which checkouts use it."""

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil


@dataclass(frozen=True, kw_only=True)
class EngineRecord:
    """`created` is the process's start in seconds since the epoch: a pid alone may have been handed out again."""

    host: str
    pid: int
    created: float
    state: str  # directory of the pid file, the log and the configuration
    users: tuple[str, ...]  # state directories of the checkouts that asked for the engine
    forward_policy: str  # of the FORWARD chain before the engine set it to DROP; "" when unknown
    bridge_was_there: bool  # docker0 existed before

    def process(self) -> psutil.Process | None:
        """The engine's process, or None when it is gone."""
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.created) > 1 or process.status() == psutil.STATUS_ZOMBIE:
                return None
        except psutil.Error:
            return None
        return process

    def used_by(self, user: Path) -> "EngineRecord":
        return replace(self, users=tuple(sorted({*self._present_users(), str(user)})))

    def left_by(self, user: Path) -> "EngineRecord":
        return replace(self, users=tuple(name for name in self._present_users() if name != str(user)))

    def _present_users(self) -> tuple[str, ...]:
        """Without checkouts that were deleted meanwhile; their state directory is gone with them."""
        return tuple(name for name in self.users if Path(name).is_dir())


def read_record(path: Path) -> EngineRecord | None:
    """The record at `path`, or None when there is none or it is no record."""
    try:
        values = json.loads(path.read_text())
        return EngineRecord(**{**values, "users": tuple(values["users"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_record(path: Path, record: EngineRecord) -> None:
    """Replace the record in one step, so that a killed run leaves the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(asdict(record), indent=2) + "\n")
    part.replace(path)
