"""What `lab doctor` says about one thing: how it is, why, and what to type next."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """`FAILED` is what would stop an `up`; `NOT_CHECKED` says nothing about it, and its cause is why."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One answer.

    `check` is a stable name (`ssh.host-key`), `subject` what was looked at (`device smiley`), `cause` one line, `next` the
    command or the edit that comes next, empty when nothing has to be done.
    """

    check: str
    subject: str
    status: Status
    cause: str
    next: str = ""

    def __post_init__(self) -> None:
        for name in ("cause", "next"):
            object.__setattr__(self, name, " ".join(getattr(self, name).split()))


def ok(check: str, subject: str, cause: str) -> Finding:
    """Nothing is wrong with it."""
    return Finding(check=check, subject=subject, status=Status.OK, cause=cause)


def warning(check: str, subject: str, cause: str, following: str) -> Finding:
    """An `up` would go on, and somebody should know."""
    return Finding(check=check, subject=subject, status=Status.WARNING, cause=cause, next=following)


def failed(check: str, subject: str, cause: str, following: str) -> Finding:
    """An `up` would fail."""
    return Finding(check=check, subject=subject, status=Status.FAILED, cause=cause, next=following)


def not_checked(check: str, subject: str, why: str, following: str = "") -> Finding:
    """Nobody knows."""
    return Finding(check=check, subject=subject, status=Status.NOT_CHECKED, cause=why, next=following)
