"""What a killed update leaves is mended without touching what a living one holds."""

import json
import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lab import paths, recovery


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    return paths.home()


def _lock(home: Path, pid: int, *, host: str | None = None, since: datetime | None = None, stack: str = "twin") -> Path:
    lock = home / "state" / ".pulumi" / "locks" / "organization" / recovery.PROJECT / stack / f"{pid}.json"
    lock.parent.mkdir(parents=True, exist_ok=True)
    since = since or datetime.now(UTC)
    owner = {
        "pid": pid,
        "username": "somebody",
        "hostname": host or socket.gethostname(),
        "timestamp": since.isoformat(),
    }
    lock.write_text(json.dumps(owner))
    return lock


NOBODY = 2**22 + 1  # above the highest pid that Linux gives


def test_a_lock_whose_owner_is_dead_is_released_and_the_owner_named(home: Path) -> None:
    lock = _lock(home, NOBODY)
    assert [
        f"pid {NOBODY} on {socket.gethostname()}" in owner for owner in recovery.release_abandoned_locks("twin")
    ] == [True]
    assert not lock.exists()


def test_a_lock_whose_owner_lives_stays(home: Path) -> None:
    lock = _lock(home, os.getpid())
    assert recovery.release_abandoned_locks("twin") == []
    assert lock.exists()


def test_a_process_that_was_given_the_dead_owners_pid_does_not_hold_the_lock(home: Path) -> None:
    lock = _lock(home, os.getpid(), since=datetime.now(UTC) - timedelta(days=300))
    assert len(recovery.release_abandoned_locks("twin")) == 1
    assert not lock.exists()


def test_locks_of_another_machine_and_of_another_stack_stay(home: Path) -> None:
    locks = [_lock(home, NOBODY, host="elsewhere"), _lock(home, NOBODY, stack="other")]
    assert recovery.release_abandoned_locks("twin") == []
    assert all(lock.exists() for lock in locks)


@pytest.mark.parametrize(("pending", "expected"), [([{"type": "creating"}], True), ([], False), (None, False)])
def test_operations_whose_end_was_not_recorded_are_seen(home: Path, pending: object, *, expected: bool) -> None:
    assert not recovery.has_pending_operations("twin")
    state = recovery.state_file("twin")
    state.parent.mkdir(parents=True)
    state.write_text(json.dumps({"checkpoint": {"latest": {"pending_operations": pending}}}))
    assert recovery.has_pending_operations("twin") is expected


def test_a_salt_goes_with_its_stack_unless_something_is_encrypted_with_it(home: Path) -> None:
    file = home / "Pulumi.twin.yaml"
    file.write_text("encryptionsalt: v1:abc\nconfig:\n  mesh-expansion:lab: twin\n")
    assert recovery.forget_salt("twin", file)
    assert file.read_text() == "config:\n  mesh-expansion:lab: twin\n"
    assert not recovery.forget_salt("twin", file)

    encrypted = "encryptionsalt: v1:abc\nconfig:\n  mesh-expansion:trust-issuer-key:\n    secure: v1:def\n"
    file.write_text(encrypted)
    assert not recovery.forget_salt("twin", file)
    assert file.read_text() == encrypted


def test_the_salt_of_a_stack_that_exists_stays(home: Path) -> None:
    file = home / "Pulumi.twin.yaml"
    file.write_text("encryptionsalt: v1:abc\n")
    recovery.state_file("twin").parent.mkdir(parents=True)
    recovery.state_file("twin").write_text("{}")
    assert not recovery.forget_salt("twin", file)
