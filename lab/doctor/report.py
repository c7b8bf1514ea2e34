"""Findings for people and for programs."""

import json
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from lab import documents
from lab.doctor.finding import Finding, Status

SCHEMA = 1
# A symbol and a word: colours are for those who see them.
_SIGNS = {
    Status.OK: ("✔", "+", "green"),
    Status.WARNING: ("▲", "!", "yellow"),
    Status.FAILED: ("✘", "x", "bold red"),
    Status.NOT_CHECKED: ("○", "-", "dim"),
}
_MANY = 20
_WIDEST = 28
_NARROWEST, _HANG = 30, 4  # columns that a text has beside its subject at least; where it stands below it


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that was found for a stack; `lab` is empty when its file does not say which one. `seconds` it took."""

    stack: str
    lab: str
    findings: Sequence[Finding]
    seconds: float

    @property
    def status(self) -> Status:
        """The worst of all; what was not checked counts as nothing."""
        found = {finding.status for finding in self.findings}
        return next((status for status in (Status.FAILED, Status.WARNING) if status in found), Status.OK)

    @property
    def exit_status(self) -> int:
        """1 when something would fail."""
        return 1 if self.status is Status.FAILED else 0

    @property
    def counts(self) -> dict[str, int]:
        """How many findings have each status."""
        counted = Counter(finding.status for finding in self.findings)
        return {str(status): counted[status] for status in Status}


def as_json(report: Report) -> str:
    """One document; keys are only ever added while `schema` stays the same."""
    document = {
        "schema": SCHEMA,
        "stack": report.stack,
        "lab": report.lab,
        "status": str(report.status),
        "counts": report.counts,
        "seconds": round(report.seconds, 1),
        "findings": [
            {
                "check": finding.check,
                "subject": finding.subject,
                "status": str(finding.status),
                "cause": finding.cause,
                "next": finding.next,
            }
            for finding in report.findings
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def show(report: Report, console: Console) -> None:
    """Every finding with what to type next, what needs somebody last, where the eye is."""
    signs = _signs(console)
    console.print(f"lab doctor: stack {report.stack}{f', lab {report.lab}' if report.lab else ''}")
    lines: list[Finding] = []
    for status in (Status.OK, Status.NOT_CHECKED, Status.WARNING, Status.FAILED):
        found = [finding for finding in report.findings if finding.status is status]
        lines += _merged(found) if status is Status.OK else found
    width = min(max((len(line.subject) for line in lines), default=0), _WIDEST)
    for index, line in enumerate(lines):
        # What several lines have in common to do next is said once.
        last = all((other.status, other.next) != (line.status, line.next) for other in lines[index + 1 : index + 2])
        _line(line, signs[line.status], width, console, last=last)
    counts = ", ".join(f"{count} {status}" for status, count in report.counts.items() if count)
    console.print(f"\n{counts}, in {report.seconds:.1f} s. {_verdict(report)}")


def _verdict(report: Report) -> str:
    if report.status is Status.FAILED:
        return "An `up` would fail."
    if any(finding.status is Status.NOT_CHECKED for finding in report.findings):
        return "Nothing that was checked would make an `up` fail."
    return "Nothing would make an `up` fail."


def _signs(console: Console) -> dict[Status, Text]:
    try:
        "".join(symbol for symbol, _, _ in _SIGNS.values()).encode(console.encoding)
        column = 0
    except (UnicodeEncodeError, LookupError):
        column = 1
    return {status: Text(f"{sign[column]} {status:<11}", style=sign[2]) for status, sign in _SIGNS.items()}


def _line(finding: Finding, sign: Text, width: int, console: Console, *, last: bool) -> None:
    """On a terminal long texts go on below where they begin, or below the subject where there is no room beside it."""
    subject, column = f"{finding.subject:<{width}}", len(sign) + 2
    narrow = console.is_terminal and console.width - column - width < _NARROWEST
    begin = _HANG if narrow else column + len(subject) + 2
    cause = _wrapped(finding.cause, begin, _HANG if narrow else column + width + 2, console)
    sign = Text(sign.plain.rstrip(), style=sign.style) if narrow else sign
    gap = Text("\n" + " " * _HANG) if narrow else Text("  ")
    console.print(
        sign, Text("  "), Text(subject.rstrip() if narrow else subject, style="bold"), gap, Text(cause), sep=""
    )
    if finding.next and last:
        label = f"{' ' * (_HANG if narrow else column)}next: "
        console.print(
            Text(label, style="dim"), Text(_wrapped(finding.next, len(label), len(label), console, typed=True)), sep=""
        )


def _wrapped(text: str, begin: int, column: int, console: Console, *, typed: bool = False) -> str:
    """What begins at `begin` goes on at `column` of the next lines; elsewhere than on a terminal it stays one line.

    `typed`: words in it are copied, so that none is broken.
    """
    if not console.is_terminal or begin >= console.width:
        return text
    lines = textwrap.wrap(
        text,
        console.width,
        initial_indent="." * begin,
        subsequent_indent=" " * column,
        break_on_hyphens=False,
        break_long_words=not typed,
    )
    return "\n".join(lines)[begin:]


def _merged(found: Iterable[Finding]) -> Iterable[Finding]:
    """One line for what is well with a device; one for all devices when there are many."""
    listed = list(found)
    devices = {finding.subject for finding in listed if finding.subject.startswith("device ")}
    shown: set[str] = set()
    for finding in listed:
        if finding.subject not in devices:
            yield finding
        elif len(devices) > _MANY and not shown:
            shown |= devices
            yield Finding(
                check="devices", subject=f"{len(devices)} devices", status=Status.OK, cause="are let in and answer"
            )
        elif finding.subject not in shown:
            shown.add(finding.subject)
            causes = [item.cause for item in listed if item.subject == finding.subject]
            yield Finding(check="device", subject=finding.subject, status=Status.OK, cause="; ".join(causes))


def write_json(report: Report) -> None:
    """To standard output."""
    documents.write(as_json(report) + "\n")
