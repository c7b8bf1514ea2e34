"""What one row of `lab verify` found."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """`NOT_PROVABLE` says that this lab has no place to see it from, `NOT_ASKED` that nothing configured promises it."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_PROVABLE = "not provable here"
    NOT_ASKED = "not configured"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`row` is a stable identifier, `subject` what was looked at, `found` one line with what was seen.

    `expected` is what the configuration promises, in words; `next` the command or edit that comes next after a failure.
    """

    row: str
    subject: str
    verdict: Verdict
    found: str
    expected: str = ""
    next: str = ""
    seconds: float = 0.0
