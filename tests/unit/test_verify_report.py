"""What `lab verify` prints, for people and for programs, what it asks for, and with which status it ends."""

import asyncio
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console
from typer.testing import CliRunner

from lab import cli
from lab.verify import command, junit, verification
from lab.verify.context import Context
from lab.verify.judging import judge
from lab.verify.outcome import Outcome, Verdict
from lab.verify.place import NotProvable
from lab.verify.registry import ROWS
from lab.verify.report import Report, as_json, show
from lab.verify.row import Case, Group, Row, Seen
from lab.verify.selection import Selection, UnknownNameError
from lab.verify.verification import InterruptedRunError, NotReadyError, Options
from tests.unit.doctor_fixtures import write_stack
from tests.unit.verify_fixtures import context_of

READY = "devices.ready"


def row(name: str, group: Group, *cases: Case) -> Row:
    def all_of(_context: Context) -> Iterator[Case]:
        yield from cases

    return Row(
        id=name,
        title=f"title of {name}",
        group=group,
        results=("R1",),
        needs="nothing",
        unasked="nothing configured",
        cases=all_of,
    )


ROWS_HERE = (row(READY, Group.DEVICES), row("access.matrix", Group.ACCESS), row("mesh.gui", Group.MESH))
OUTCOMES = (
    Outcome(row=READY, subject="workload smiley", verdict=Verdict.PASSED, found="Ready", expected="Ready", seconds=0.5),
    Outcome(
        row="access.matrix",
        subject="this machine → smiley",
        verdict=Verdict.FAILED,
        found="let in: 200",
        expected="refused: 403",
        next="lab doctor",
    ),
    Outcome(row="access.matrix", subject="a pod → smiley", verdict=Verdict.NOT_PROVABLE, found="no pod runs here"),
    Outcome(row="access.matrix", subject="a pod → color", verdict=Verdict.NOT_PROVABLE, found="no pod runs here"),
    Outcome(row="mesh.gui", subject="title of mesh.gui", verdict=Verdict.NOT_ASKED, found="nothing configured"),
)


def report(*outcomes: Outcome) -> Report:
    return Report(stack="pi-lab", lab="pi-lab", rows=ROWS_HERE, outcomes=outcomes, seconds=2.34)


def shown(found: Report, encoding: str = "utf-8", **options: Any) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    show(found, Console(file=file, highlight=False, soft_wrap=True, **options))
    return raw.getvalue().decode(encoding)


def test_people_read_by_what_they_think_in_and_what_failed_with_what_was_promised_and_what_to_type() -> None:
    assert shown(report(*OUTCOMES)) == (
        "lab verify: stack pi-lab, lab pi-lab\n"
        "\n"
        "mesh\n"
        "  · not configured     title of mesh.gui: nothing configured\n"
        "\n"
        "devices\n"
        "  title of devices.ready\n"
        "    ✔ passed             workload smiley  Ready\n"
        "\n"
        "access\n"
        "  title of access.matrix\n"
        "    ✘ FAILED             this machine → smiley  let in: 200\n"
        "              expected:  refused: 403\n"
        "                  next:  lab doctor\n"
        "    ○ not provable here  2 of 3                 no pod runs here\n"
        "\n"
        "1 passed, 1 failed, 2 not provable here, 1 not configured, in 2.3 s. The lab is not as its file promises.\n"
    )


def test_without_colours_and_symbols_every_word_is_still_there() -> None:
    plain = shown(report(*OUTCOMES), encoding="ascii")
    for words in ("this machine -> smiley", "+ passed", "x FAILED", "- not provable here", ". not configured"):
        assert words in plain
    assert "\x1b[" not in plain
    coloured = shown(report(*OUTCOMES), force_terminal=True, color_system="standard", width=100)
    assert "\x1b[" in coloured
    assert "✘ FAILED" in coloured


def test_on_a_terminal_long_findings_are_wrapped_below_where_they_begin_and_elsewhere_are_one_line() -> None:
    long = replace(OUTCOMES[0], found="words " * 40)
    narrow = shown(report(long), force_terminal=True, color_system=None, width=90).splitlines()
    assert all(len(line) <= 90 for line in narrow)
    (first,) = [line for line in narrow if "workload smiley" in line]
    following = narrow[narrow.index(first) + 1]
    assert following.index("words") == first.index("words")
    assert len([line for line in shown(report(long)).splitlines() if "words" in line]) == 1


def test_many_machines_that_are_well_take_one_line_and_one_cause_of_many_failures_is_said_once() -> None:
    well = [replace(OUTCOMES[0], subject=f"workload pi-{number}") for number in range(1000)]
    ill = [replace(OUTCOMES[1], row=READY, subject=f"workload ill-{number}") for number in range(3)]
    text = shown(report(*well, *ill))
    assert "1000 of 1003  as promised" in text
    assert "3 of 1003" in text
    assert "of:  workload ill-0, workload ill-1, workload ill-2" in text
    assert text.count("let in: 200") == 1


def test_the_document_for_programs_keeps_its_form() -> None:
    document = json.loads(as_json(report(*OUTCOMES)))
    assert {key: document[key] for key in document if key != "outcomes"} == {
        "schema": 1,
        "stack": "pi-lab",
        "lab": "pi-lab",
        "status": "failed",
        "counts": {"passed": 1, "failed": 1, "not provable here": 2, "not configured": 1},
        "seconds": 2.3,
    }
    assert document["outcomes"][1] == {
        "row": "access.matrix",
        "title": "title of access.matrix",
        "group": "access",
        "results": ["R1"],
        "subject": "this machine → smiley",
        "verdict": "failed",
        "expected": "refused: 403",
        "found": "let in: 200",
        "next": "lab doctor",
        "seconds": 0.0,
    }


def test_junit_has_a_failure_a_skip_with_its_reason_and_what_was_found(tmp_path: Path) -> None:
    file = tmp_path / "verify.xml"
    junit.write(report(*OUTCOMES), file)
    suite = ElementTree.parse(file).getroot().find("testsuite")  # noqa: S314 - written a line above
    assert suite is not None
    assert {key: suite.get(key) for key in ("tests", "failures", "skipped", "errors")} == {
        "tests": "5",
        "failures": "1",
        "skipped": "3",
        "errors": "0",
    }
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    failure = cases["this machine → smiley"].find("failure")
    assert failure is not None
    assert failure.get("message") == "let in: 200"
    assert "expected: refused: 403" in str(failure.text)
    skipped = cases["a pod → smiley"].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "not provable here: no pod runs here"


@pytest.mark.parametrize(
    ("outcomes", "status", "words"),
    [
        (OUTCOMES, 1, "The lab is not as its file promises."),
        (OUTCOMES[:1], 0, "The lab is as its file promises."),
        ((OUTCOMES[0], OUTCOMES[2]), 0, "What can be seen from here is as promised."),
        (OUTCOMES[4:], 0, "Nothing was asserted."),
    ],
)
def test_only_what_failed_ends_with_one(outcomes: tuple[Outcome, ...], status: int, words: str) -> None:
    assert report(*outcomes).exit_status == status
    assert words in shown(report(*outcomes))


def _case(subject: str, look: Callable[[], Any], *workloads: str) -> Case:
    return Case(subject=subject, expected="x", look=look, workloads=frozenset(workloads))


async def _well() -> Seen:
    return Seen(right=True, found="fine")


async def _late() -> Seen:
    await asyncio.sleep(60)
    return Seen(right=True, found="never")


async def _crashing() -> Seen:
    raise KeyError("second")


async def _unreachable() -> Seen:
    raise OSError("device smiley does not answer\n" + "x" * 1000)


async def _unseen() -> Seen:
    raise NotProvable("no place")


def test_what_does_not_end_crashes_or_cannot_be_reached_has_failed_and_keeps_nobody_back(tmp_path: Path) -> None:
    looks = {"late": _late, "crashing": _crashing, "unreachable": _unreachable, "unseen": _unseen, "well": _well}
    rows = [row(READY, Group.DEVICES, *(_case(name, look) for name, look in looks.items())), ROWS_HERE[1]]
    heard: list[str] = []
    context = context_of(tmp_path)
    found = asyncio.run(judge(context, rows, Selection(), 0.3, lambda outcome: heard.append(outcome.subject)))
    assert {outcome.subject: outcome.verdict for outcome in found} == {
        "late": Verdict.FAILED,
        "crashing": Verdict.FAILED,
        "unreachable": Verdict.FAILED,
        "unseen": Verdict.NOT_PROVABLE,
        "well": Verdict.PASSED,
        "title of access.matrix": Verdict.NOT_ASKED,
    }
    said = {outcome.subject: outcome for outcome in found}
    assert said["late"].found == "no answer within 0 s"
    assert "--seconds" in said["late"].next
    assert "KeyError: 'second'" in said["crashing"].found
    assert said["unreachable"].found.endswith("...")
    assert len(said["unreachable"].found) < 420
    assert {"well", "unseen"} <= set(heard)


def test_a_row_its_group_a_result_or_a_device_can_be_asked_for_alone(tmp_path: Path) -> None:
    def chosen(*names: str) -> list[str]:
        return [found.id for found in Selection(rows=names).of(ROWS)]

    assert chosen("access.matrix") == ["access.matrix"]
    assert set(chosen("wire")) == {"wire.encrypted", "wire.plain", "wire.counted"}
    assert chosen("r28") == ["traffic.retries"]
    assert chosen("names.dns", "R8") == ["devices.endpoints", "names.dns"]
    assert chosen() == [found.id for found in ROWS]
    with pytest.raises(UnknownNameError, match=r"no row 'trafic'; there are mesh\.control-plane, "):
        chosen("trafic")
    with pytest.raises(UnknownNameError, match="there are smiley, color"):
        Selection(device="smily").check(["smiley", "color"])
    here = row(READY, Group.DEVICES, _case("a", _well, "smiley"), _case("b", _well, "color"), _case("c", _well))
    found = asyncio.run(judge(context_of(tmp_path), [here], Selection(device="smiley"), 5))
    assert [outcome.subject for outcome in found] == ["a"]
    none = asyncio.run(judge(context_of(tmp_path), [here], Selection(device="other"), 5))
    assert [(outcome.verdict, outcome.found) for outcome in none] == [(Verdict.NOT_ASKED, "it says nothing of other")]


def test_every_result_of_the_sources_that_a_lab_can_be_held_to_has_a_row() -> None:
    held = {result for found in ROWS for result in found.results}
    provable = [2, 3, 4, 5, 6, 7, 8, 9, *range(13, 40), 43]
    assert held == {f"R{number}" for number in provable}
    assert len({found.id for found in ROWS}) == len(ROWS)
    for found in ROWS:
        assert found.needs and found.unasked and found.title, found.id


def test_the_page_lists_every_row_with_what_it_needs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "verify.md").read_text()
    for found in ROWS:
        assert f"| `{found.id}` | {found.title} | {', '.join(found.results)} | {found.needs} |" in page


def typed(monkeypatch: pytest.MonkeyPatch, does: Callable[[str, Options], Report], *words: str) -> Any:
    monkeypatch.setattr(command, "verify", does)
    return CliRunner().invoke(cli.application, ["verify", *words])


def test_the_exit_status_says_whether_something_failed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "out.xml"
    given: list[tuple[str, Options]] = []

    def does(stack: str, options: Options) -> Report:
        given.append((stack, options))
        return report(*OUTCOMES)

    words = (
        "-s",
        "pi-lab",
        "--row",
        "R19",
        "--row",
        "wire",
        "--device",
        "smiley",
        "--requests",
        "50",
        "--seconds",
        "9",
    )
    run = typed(monkeypatch, does, *words, "--json", "--junit", str(file))
    assert run.exit_code == 1
    assert json.loads(run.stdout)["status"] == "failed"
    assert "testsuite" in file.read_text()
    stack, options = given[0]
    assert (stack, options.requests, options.seconds) == ("pi-lab", 50, 9.0)
    assert options.selection == Selection(rows=["R19", "wire"], device="smiley")
    well = typed(monkeypatch, lambda *_: report(OUTCOMES[0]))
    assert (well.exit_code, "1 passed" in well.stdout) == (0, True)


def test_wrong_usage_ends_with_two_and_a_lab_that_is_not_up_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def raising(problem: Exception) -> Callable[[str, Options], Report]:
        def does(_stack: str, _options: Options) -> Report:
            raise problem

        return does

    unknown = typed(monkeypatch, raising(UnknownNameError("--row", "no row 'x'; there are y")), "--row", "x")
    assert unknown.exit_code == 2
    assert "no row 'x'" in unknown.output
    assert typed(monkeypatch, raising(UnknownNameError("--row", "x")), "--requests", "many").exit_code == 2
    down = typed(monkeypatch, raising(NotReadyError("there is no kubeconfig")))
    assert down.exit_code == 1
    assert "there is no kubeconfig" in down.output
    assert typed(monkeypatch, raising(InterruptedRunError(2))).exit_code == 130
    assert typed(monkeypatch, raising(InterruptedRunError(15))).exit_code == 143


def test_a_stack_that_nobody_wrote_and_one_that_is_not_up_are_said_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = CliRunner().invoke(cli.application, ["verify", "-s", "nobody"])
    assert run.exit_code == 2
    assert "no stack 'nobody'" in run.output
    write_stack(tmp_path, cluster={"kubeconfig": "kubeconfig"})
    (tmp_path / "kubeconfig").write_text("nonsense")
    with pytest.raises(NotReadyError, match="Bring the lab up: make up STACK=here"):
        verification.verify("here", Options(), tmp_path)
    write_stack(tmp_path, truts={})
    with pytest.raises(NotReadyError, match="make doctor STACK=here"):
        verification.verify("here", Options(), tmp_path)
