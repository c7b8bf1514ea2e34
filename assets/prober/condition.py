"""From answers to a Ready condition: when it changes, and when it is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from .workload import Answer, Condition, Target

_REPEAT_SECONDS = 60.0  # a condition that says the same is written again after this time: it shows that somebody looks
_FAILURES = 2  # in a row, before a workload that was ready is not


@dataclass
class Watched:
    """What is remembered of a workload between two looks; times by the monotonic clock."""

    target: Target
    due: float
    asking: bool = False
    failures: int = 0
    written: float = float("-inf")
    said: tuple[str, str, str] = ("", "", "")

    def judge(self, answer: Answer, now: float) -> Condition | None:
        """The Ready condition to write, or None when what is written still holds."""
        self.failures = 0 if answer.ready else self.failures + 1
        before = self.target.condition
        if before and before.get("status") == "True" and 0 < self.failures < _FAILURES:
            return None
        status = "True" if answer.ready else "False"
        said = (status, answer.reason, answer.message)
        if self.said == said and before and before.get("status") == status and now - self.written < _REPEAT_SECONDS:
            return None
        self.said, self.written = said, now
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        same = before and before.get("status") == status and before.get("lastTransitionTime")
        return {
            "type": "Ready",
            "status": status,
            "reason": answer.reason,
            "message": answer.text,
            "lastProbeTime": stamp,
            "lastTransitionTime": same or stamp,
        }
