"""What `lab doctor` prints, for people and for programs, and with which status it ends."""

import asyncio
import io
import json
from collections.abc import AsyncIterator

import pytest
from rich.console import Console

from lab.doctor.check import Check, run_all
from lab.doctor.finding import Finding, Status, failed, not_checked, ok, warning
from lab.doctor.report import Report, as_json, show

FINDINGS = (
    ok("tools", "pulumi", "3.259.0 (/bin/pulumi)"),
    failed("ports", "port 80", "cluster.http-port is taken by nginx (pid 7)", "kill 7"),
    not_checked("certificates", "certificates", "there are none yet: `up` issues them"),
    warning("versions", "linkerd.version", "edge-26.8.2; edge-26.8.3 is tested", "set linkerd.version to edge-26.8.3"),
)


def _report(*found: Finding, seconds: float = 1.25) -> Report:
    return Report(stack="k3d-lab", lab="k3d-lab", findings=found, seconds=seconds)


def _shown(report: Report, encoding: str = "utf-8", **options: object) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    show(report, Console(file=file, highlight=False, soft_wrap=True, **options))  # type: ignore[arg-type]
    return raw.getvalue().decode(encoding)


def test_people_read_the_worst_last_each_with_a_word_a_cause_and_what_to_type_next() -> None:
    assert _shown(_report(*FINDINGS)) == (
        "lab doctor: stack k3d-lab, lab k3d-lab\n"
        "✔ ok           pulumi           3.259.0 (/bin/pulumi)\n"
        "○ not checked  certificates     there are none yet: `up` issues them\n"
        "▲ warning      linkerd.version  edge-26.8.2; edge-26.8.3 is tested\n"
        "               next: set linkerd.version to edge-26.8.3\n"
        "✘ failed       port 80          cluster.http-port is taken by nginx (pid 7)\n"
        "               next: kill 7\n"
        "\n"
        "1 ok, 1 warning, 1 failed, 1 not checked, in 1.2 s. An `up` would fail.\n"
    )


def test_without_colours_and_symbols_every_word_is_still_there() -> None:
    plain = _shown(_report(*FINDINGS), encoding="ascii")
    assert "+ ok           pulumi" in plain
    assert "x failed       port 80" in plain
    coloured = _shown(_report(*FINDINGS), force_terminal=True, color_system="standard")
    assert "\x1b[" in coloured
    assert "✘ failed" in coloured
    assert "\x1b[" not in _shown(_report(*FINDINGS))


def test_a_thousand_devices_that_are_well_take_one_line_and_each_that_is_not_its_own() -> None:
    well = [ok("ssh.login", f"device pi-{number}", "let in") for number in range(1000)]
    text = _shown(_report(*well, failed("ssh.reach", "device pi-7", "does not answer", "ping -c 3 pi-7")))
    assert "1000 devices" in text
    assert len([line for line in text.splitlines() if "device" in line]) == 2
    few = _shown(_report(*well[:2], ok("device.clock", "device pi-0", "agrees")))
    assert [line for line in few.splitlines() if "pi-0" in line] == ["✔ ok           device pi-0  let in; agrees"]


def test_the_document_for_programs_keeps_its_form() -> None:
    document = json.loads(as_json(_report(*FINDINGS)))
    assert document == {
        "schema": 1,
        "stack": "k3d-lab",
        "lab": "k3d-lab",
        "status": "failed",
        "counts": {"ok": 1, "warning": 1, "failed": 1, "not checked": 1},
        "seconds": 1.2,
        "findings": [
            {
                "check": finding.check,
                "subject": finding.subject,
                "status": str(finding.status),
                "cause": finding.cause,
                "next": finding.next,
            }
            for finding in FINDINGS
        ],
    }


@pytest.mark.parametrize(
    ("found", "status", "exit_status", "words"),
    [
        ((), Status.OK, 0, "Nothing would make an `up` fail."),
        (FINDINGS[:1], Status.OK, 0, "Nothing would make an `up` fail."),
        (FINDINGS[2:3], Status.OK, 0, "Nothing that was checked would make an `up` fail."),
        (FINDINGS[3:], Status.WARNING, 0, "Nothing would make an `up` fail."),
        (FINDINGS, Status.FAILED, 1, "An `up` would fail."),
    ],
)
def test_only_what_would_fail_ends_with_one(
    found: tuple[Finding, ...], status: Status, exit_status: int, words: str
) -> None:
    report = _report(*found)
    assert (report.status, report.exit_status) == (status, exit_status)
    assert words in _shown(report)


def test_a_cause_is_one_line_whatever_a_program_said() -> None:
    assert failed("x", "y", "one\n  two", "three\n").cause == "one two"


async def _quick() -> AsyncIterator[Finding]:
    yield ok("quick", "q", "fine")


async def _crashing() -> AsyncIterator[Finding]:
    yield ok("crashing", "c", "the first half")
    raise KeyError("second")


async def _late() -> AsyncIterator[Finding]:
    yield ok("late", "l", "the first half")
    await asyncio.sleep(60)


def test_a_check_that_crashes_or_does_not_end_is_a_finding_and_keeps_nobody_back() -> None:
    checks = [
        Check(name=name, subject=name[0], run=run)
        for name, run in (("late", _late), ("crashing", _crashing), ("quick", _quick))
    ]
    found = asyncio.run(run_all(checks, 0.2))
    assert [(finding.check, finding.status) for finding in found] == [
        ("late", Status.OK),
        ("late", Status.NOT_CHECKED),
        ("crashing", Status.OK),
        ("crashing", Status.NOT_CHECKED),
        ("quick", Status.OK),
    ]
    assert found[1].cause == "no answer within 0 s"
    assert "KeyError: 'second'" in found[3].cause


def test_on_a_terminal_long_causes_go_on_below_where_they_begin_or_below_the_subject_and_elsewhere_are_one_line() -> (
    None
):
    long = failed("ssh.reach", "device smiley", "words " * 20 + "x" * 90, "ping -c 3 192.0.2.11")
    wide = _shown(_report(long), force_terminal=True, color_system=None, width=80).splitlines()
    assert all(len(line) <= 80 for line in wide)
    first = next(line for line in wide if "device smiley" in line)
    assert wide[wide.index(first) + 1].index("words") == first.index("words")
    narrow = _shown(_report(long), force_terminal=True, color_system=None, width=40).splitlines()
    assert all(len(line) <= 40 for line in narrow[1:-1])
    assert narrow[1] == "✘ failed  device smiley"
    assert narrow[2].startswith("    words words")
    assert "    next: ping -c 3 192.0.2.11" in narrow
    assert len([line for line in _shown(_report(long)).splitlines() if "words" in line]) == 1
