"""After a killed `up`: locks that nobody holds any more, and creations whose end nobody recorded."""

import json
import re
import socket
from datetime import datetime
from pathlib import Path

import psutil

from lab import paths

PROJECT = "mesh-expansion"

_SALT = re.compile(r"^encryptionsalt: .*\n?", re.MULTILINE)
_ENCRYPTED = re.compile(r"\bsecure:")


def release_abandoned_locks(stack: str) -> list[str]:
    """Remove locks of this stack whose owner was a process of this machine that is gone; returns who held them.

    `pulumi cancel` would remove every lock, a living owner's too.
    """
    released = []
    for lock in _locks(stack):
        owner = json.loads(lock.read_text())
        if owner.get("hostname") == socket.gethostname() and not _alive(int(owner["pid"]), owner["timestamp"]):
            lock.unlink(missing_ok=True)
            released.append(f"pid {owner['pid']} on {owner['hostname']}, since {owner['timestamp']}")
    return released


def held_locks(stack: str) -> list[str]:
    """Who holds locks of this stack and may be at work still: living processes, and those of other machines."""
    held = []
    for lock in _locks(stack):
        owner = json.loads(lock.read_text())
        if owner.get("hostname") != socket.gethostname() or _alive(int(owner["pid"]), owner["timestamp"]):
            held.append(f"pid {owner['pid']} on {owner['hostname']}, since {owner['timestamp']}")
    return held


def state_file(stack: str) -> Path:
    """Where the engine keeps the stack's state; absent when the stack does not exist."""
    return paths.home() / "state" / ".pulumi" / "stacks" / PROJECT / f"{stack}.json"


def others(stack: str) -> list[str]:
    """The other stacks of this checkout that exist: what they share with this one has to stay."""
    return sorted(file.stem for file in state_file(stack).parent.glob("*.json") if file.stem != stack)


def forget_salt(stack: str, stack_file: Path) -> bool:
    """Take the engine's salt out of the stack file of a stack that does not exist; True when there was one.

    It belongs to a passphrase that may be gone with the state, and the engine would refuse the new one. A file that holds
    encrypted values keeps it: only the old passphrase reads them.
    """
    if state_file(stack).exists() or not stack_file.exists():
        return False
    text = stack_file.read_text()
    without = _SALT.sub("", text)
    if without == text or _ENCRYPTED.search(text):
        return False
    stack_file.write_text(without)
    return True


def has_pending_operations(stack: str) -> bool:
    """Whether the engine was killed between the start and the recorded end of a step."""
    if not state_file(stack).exists():
        return False
    latest = json.loads(state_file(stack).read_text()).get("checkpoint", {}).get("latest") or {}
    return bool(latest.get("pending_operations"))


def _locks(stack: str) -> list[Path]:
    directory = paths.home() / "state" / ".pulumi" / "locks"
    return [lock for lock in directory.rglob("*.json") if lock.parent.name == stack]


def _alive(pid: int, since: str) -> bool:
    """Whether the process that took the lock at `since` (RFC 3339) still runs, and not another one with its pid."""
    try:
        started = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return False
    return started <= datetime.fromisoformat(since).timestamp() + 1
