"""Outcomes for people and for programs."""

import json
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rich.console import Console
from rich.text import Text

from lab.verify.outcome import Outcome, Verdict
from lab.verify.row import Group, Row

SCHEMA = 1
# A symbol and a word: colours are for those who see them.
_SIGNS = {
    Verdict.PASSED: ("✔", "+", "green"),
    Verdict.FAILED: ("✘", "x", "bold red"),
    Verdict.NOT_PROVABLE: ("○", "-", "yellow"),
    Verdict.NOT_ASKED: ("·", ".", "dim"),
}
_WORDS = {
    Verdict.PASSED: "passed",
    Verdict.FAILED: "FAILED",
    Verdict.NOT_PROVABLE: "not provable here",
    Verdict.NOT_ASKED: "not configured",
}
_SIGN_WIDTH = 2 + max(len(word) for word in _WORDS.values())
_WIDEST, _NARROWEST = 44, 30
_MANY = 20


@dataclass(frozen=True, kw_only=True)
class Report:
    """What came of the rows that were asked for, in their order. `seconds` it took."""

    stack: str
    lab: str
    rows: Sequence[Row]
    outcomes: Sequence[Outcome]
    seconds: float

    @property
    def exit_status(self) -> int:
        """1 when something failed."""
        return 1 if any(outcome.verdict is Verdict.FAILED for outcome in self.outcomes) else 0

    @property
    def counts(self) -> dict[str, int]:
        """How many outcomes have each verdict."""
        counted = Counter(outcome.verdict for outcome in self.outcomes)
        return {str(verdict): counted[verdict] for verdict in Verdict}

    def row(self, outcome: Outcome) -> Row:
        """The row that an outcome is of."""
        return next(row for row in self.rows if row.id == outcome.row)


def as_json(report: Report) -> str:
    """One document; keys are only ever added while `schema` stays the same."""
    document = {
        "schema": SCHEMA,
        "stack": report.stack,
        "lab": report.lab,
        "status": "failed" if report.exit_status else "passed",
        "counts": report.counts,
        "seconds": round(report.seconds, 1),
        "outcomes": [
            {
                "row": outcome.row,
                "title": report.row(outcome).title,
                "group": str(report.row(outcome).group),
                "results": list(report.row(outcome).results),
                "subject": outcome.subject,
                "verdict": str(outcome.verdict),
                "expected": outcome.expected,
                "found": outcome.found,
                "next": outcome.next,
                "seconds": round(outcome.seconds, 2),
            }
            for outcome in report.outcomes
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def show(report: Report, console: Console) -> None:
    """By what a person thinks in: under each row's title what was found of each subject, what failed with what to type next.

    On a terminal long lines are wrapped below where they begin; elsewhere each stays one line.
    """
    signs = _signs(console)
    console.print(Text(f"lab verify: stack {report.stack}, lab {report.lab}"))
    for group in Group:
        rows = [row for row in report.rows if row.group is group]
        found = {row.id: [outcome for outcome in report.outcomes if outcome.row == row.id] for row in rows}
        if any(found.values()):
            console.print(Text(f"\n{group}", style="bold"))
            _show_rows(rows, found, signs, console)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in report.counts.items() if count)
    console.print(Text(f"\n{counts or 'nothing asked'}, in {report.seconds:.1f} s. {_conclusion(report)}"))


def _show_rows(
    rows: Sequence[Row], found: Mapping[str, Sequence[Outcome]], signs: Mapping[Verdict, Text], console: Console
) -> None:
    merged = {row.id: list(_merged(found[row.id])) for row in rows}
    shown = [line for lines in merged.values() for line in lines if line.verdict is not Verdict.NOT_ASKED]
    width = min(max((len(line.subject) for line in shown), default=0), _WIDEST)
    for row in rows:
        lines = merged[row.id]
        if not lines:
            continue
        if lines[0].verdict is Verdict.NOT_ASKED:
            _line(signs[Verdict.NOT_ASKED], f"{row.title}: ", lines[0].found, console, indent=2)
            continue
        console.print(Text(f"  {row.title}"))
        for line in lines:
            _line(signs[line.verdict], f"{line.subject:<{width}}  ", line.found, console)
            if line.verdict is Verdict.FAILED:
                several = line.subject not in {outcome.subject for outcome in found[row.id]}
                for word, text in (("of" if several else "expected", line.expected), ("next", line.next)):
                    if text:
                        _line(Text(f"{word + ':':>{_SIGN_WIDTH}}", style="dim"), "", text, console)


def _merged(outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
    """One line for all that have failed, or cannot be seen, for the same reason, and for many that are all well."""
    alike: dict[tuple[Verdict, object], list[Outcome]] = {}
    passed = [outcome for outcome in outcomes if outcome.verdict is Verdict.PASSED]
    for number, outcome in enumerate(outcomes):
        if outcome.verdict is Verdict.PASSED and len(passed) > _MANY:
            alike.setdefault((outcome.verdict, ""), []).append(outcome)
        elif outcome.verdict in (Verdict.NOT_PROVABLE, Verdict.FAILED):
            alike.setdefault((outcome.verdict, outcome.found), []).append(outcome)
        else:
            alike[outcome.verdict, number] = [outcome]
    for same in alike.values():
        if len(same) == 1:
            yield same[0]
        else:
            first, subject = same[0], f"{len(same)} of {len(outcomes)}"
            if first.verdict is Verdict.FAILED:
                # One cause for many; each of them is to be read all the same.
                yield replace(first, subject=subject, expected=", ".join(outcome.subject for outcome in same))
            else:
                yield replace(
                    first, subject=subject, found="as promised" if first.verdict is Verdict.PASSED else first.found
                )


def _signs(console: Console) -> dict[Verdict, Text]:
    try:
        "".join(symbol for symbol, _, _ in _SIGNS.values()).encode(console.encoding)
        column = 0
    except (UnicodeEncodeError, LookupError):
        column = 1
    return {
        verdict: Text(f"{sign[column]} {_WORDS[verdict]:<{_SIGN_WIDTH - 2}}", style=sign[2])
        for verdict, sign in _SIGNS.items()
    }


def _line(sign: Text, subject: str, text: str, console: Console, *, indent: int = 4) -> None:
    begin = indent + len(sign) + 2 + len(subject)
    room = console.width - begin
    lines = [text]
    if console.is_terminal and room >= _NARROWEST:
        lines = textwrap.wrap(text, room, break_on_hyphens=False) or [""]
    following = "\n" + " " * begin
    words = subject + following.join(lines)
    console.print(Text(" " * indent), sign, Text("  "), Text(_written(words, console)), sep="")


def _written(text: str, console: Console) -> str:
    """The text as the terminal's encoding can show it."""
    try:
        text.encode(console.encoding)
    except UnicodeEncodeError:
        return text.replace("→", "->").encode(console.encoding, "replace").decode(console.encoding)
    return text


def _conclusion(report: Report) -> str:
    verdicts = {outcome.verdict for outcome in report.outcomes}
    if Verdict.FAILED in verdicts:
        return "The lab is not as its file promises."
    if Verdict.NOT_PROVABLE in verdicts:
        return "What can be seen from here is as promised."
    return "The lab is as its file promises." if Verdict.PASSED in verdicts else "Nothing was asserted."
