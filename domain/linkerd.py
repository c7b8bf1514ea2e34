"""Linkerd's release names: order, chart versions, and which releases this program can run."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_EDGE = re.compile(r"edge-(\d{2})\.(\d{1,2})\.(\d{1,2})")


@dataclass(frozen=True, order=True)
class EdgeRelease:
    """An edge release: year (two digits), month, number of the release in that month."""

    year: int
    month: int
    number: int

    @classmethod
    def parse(cls, text: str) -> "EdgeRelease":
        """Read `edge-26.8.3`. Raises ValueError when the text has another form or the month is no month."""
        match = _EDGE.fullmatch(text)
        if not match:
            raise ValueError(f"{text!r} is no edge release")
        release = cls(*(int(part) for part in match.groups()))
        if not 1 <= release.month <= 12 or release.number < 1:
            raise ValueError(f"{text!r} is no edge release")
        return release

    def __str__(self) -> str:
        return f"edge-{self.year}.{self.month}.{self.number}"

    @property
    def chart_version(self) -> str:
        """The version of the charts `linkerd-crds` and `linkerd-control-plane` that belong to this release."""
        return f"20{self.year}.{self.month}.{self.number}"


def refusal(release: EdgeRelease, floor: str, known_bad: Iterable[tuple[str, str, str]]) -> tuple[str, str] | None:
    """Why this release cannot be used, as (expected, fix); None when it can.

    `known_bad` holds (first, last, reason), both ends included.
    """
    if release < EdgeRelease.parse(floor):
        return f"{floor} or later, the first with external workloads", f"set linkerd.version to {floor} or later"
    for first, last, reason in known_bad:
        if EdgeRelease.parse(first) <= release <= EdgeRelease.parse(last):
            return f"a release outside {first} to {last}", reason
    return None


def gateway_api_range(release: EdgeRelease, ranges: Iterable[tuple[str, str, str]]) -> tuple[str, str]:
    """The lowest and highest Gateway API version that this release reads, from (since, lowest, highest) rows."""
    fitting = [row for row in ranges if EdgeRelease.parse(row[0]) <= release]
    _, lowest, highest = max(fitting, key=lambda row: EdgeRelease.parse(row[0]))
    return lowest, highest
