"""Every command ends with the exit statuses that it declares, each provoked once."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lab import cli, command_reference, manual, recovery
from lab.comment.preview import PreviewError, read
from lab.doctor import Report
from lab.doctor.finding import Finding, failed, ok
from lab.picture.graph import Graph
from lab.picture.sources import SourceError
from lab.pull_request.trial import Interrupted, TrialFailed
from lab.screen import Screen as Terminal
from lab.status.item import Item, Part, State
from lab.status.screen import Screen
from lab.tools import Inventory, ToolError
from lab.twin.errors import TwinError
from lab.verify.outcome import Outcome, Verdict
from lab.verify.registry import ROWS
from lab.verify.report import Report as Verified
from lab.verify.selection import Selection, UnknownNameError
from lab.verify.verification import InterruptedRunError
from tests.unit.comment_fixtures import preview

FOUND = dict(command_reference.commands(cli.application))
EVERY = pytest.mark.parametrize("words", manual.ENTRIES)


@dataclass(frozen=True, kw_only=True)
class Way:
    """How a command is made to end: what is typed, and which border of the program answers `well` for 0 and `ill` for 1.

    An exception is raised there; `others` are those of other exit statuses.
    """

    border: str
    well: Any = None
    ill: Any = None
    typed: tuple[str, ...] = ()
    others: dict[int, Exception] = field(default_factory=dict)


def _looked(finding: Finding) -> Report:
    return Report(stack="twin", lab="twin", findings=[finding], seconds=1.0)


def _verified(verdict: Verdict) -> Verified:
    outcome = Outcome(row=ROWS[0].id, subject="x", verdict=verdict, found="y")
    return Verified(stack="twin", lab="twin", rows=[ROWS[0]], outcomes=[outcome], seconds=1.0)


def _seen(state: State) -> Screen:
    item = Item(part=Part.CLUSTER, subject="API", state=state, word="x")
    return Screen(stack="twin", lab="twin", items=[item], at=datetime(2026, 5, 4, tzinfo=UTC), seconds=1.0)


SAYS_NO = TwinError("it does not answer")
WAYS: dict[str, Way] = {
    "doctor": Way(
        border="lab.doctor.examine", well=_looked(ok("c", "s", "fine")), ill=_looked(failed("c", "s", "ill", "make up"))
    ),
    "up": Way(border="lab.engine.pulumi", well=0, ill=255),
    "down": Way(border="lab.engine.pulumi", well=0, ill=255),
    "preview": Way(border="lab.engine.pulumi", well=0, ill=255),
    "status": Way(border="lab.status.command.ask", well=_seen(State.WELL), ill=_seen(State.BAD)),
    "picture": Way(
        border="lab.picture.sources.of_stack",
        well=Graph(title="t", places=(), nodes=(), edges=()),
        ill=SourceError("no picture can be made of it"),
    ),
    "verify": Way(
        border="lab.verify.command.verify",
        well=_verified(Verdict.PASSED),
        ill=_verified(Verdict.FAILED),
        others={manual.INTERRUPTED: InterruptedRunError(2), manual.TERMINATED: InterruptedRunError(15)},
    ),
    "comment": Way(
        border="lab.comment.command.read", well=read(preview()), ill=PreviewError("no preview"), typed=(__file__,)
    ),
    "pr": Way(
        border="lab.pull_request.trial.Trial.run",
        ill=TrialFailed("main does not come up"),
        others={manual.INTERRUPTED: Interrupted("SIGINT")},
    ),
    "tools": Way(border="lab.tools.install", well=Inventory(()), ill=ToolError("no etcd can be had")),
    "env": Way(border="lab.engine.exports", well="export A=1", ill=PermissionError(13, "Permission denied", "/x")),
    "twin up": Way(border="lab.twin_lab.prepare", ill=SAYS_NO),
    "twin down": Way(border="lab.twin_lab.leave", ill=SAYS_NO),
    "twin reboot": Way(border="lab.cli.Rig.reboot", ill=SAYS_NO, typed=("smiley",)),
    "reference": Way(border="lab.reference.page", well="a page"),
    "schema": Way(border="lab.schema.write", ill=OSError(30, "Read-only file system", "stacks/schema")),
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stack that exists, on a machine where nothing is fetched, started or asked."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path / ".lab"))
    file = tmp_path / "Pulumi.twin.yaml"
    file.write_text("config:\n  mesh-expansion:workloads: [{name: smiley, addresses: [192.0.2.1], device: {}}]\n")
    state = recovery.state_file("twin")
    state.parent.mkdir(parents=True)
    state.write_text("{}")
    monkeypatch.setattr("lab.stack_file.find", lambda _stack: file)
    monkeypatch.setattr("lab.tools.install", lambda *_: Inventory(()))
    for border in ("lab.twin_lab.prepare", "lab.twin_lab.leave", "lab.engine.select", "lab.policy_pack.ready"):
        monkeypatch.setattr(border, lambda *_, **__: None)
    monkeypatch.setattr("lab.status.show", lambda *_, **__: None)
    return tmp_path


def _answers(what: Any) -> Callable[..., Any]:
    def answer(*_: object, **__: object) -> Any:
        if isinstance(what, BaseException):
            raise what
        return what

    return answer


PROVOKED = [
    (words, status)
    for words, entry in manual.ENTRIES.items()
    for status in entry.all_statuses
    if status not in (manual.WRONG_USAGE, manual.NOBODY_READS)
]


@pytest.mark.parametrize(("words", "status"), PROVOKED)
def test_a_command_ends_with_each_status_that_it_declares(
    project: Path, monkeypatch: pytest.MonkeyPatch, words: str, status: int
) -> None:
    way = WAYS[words]
    what = {0: way.well, 1: way.ill, **way.others}.get(status, KeyboardInterrupt())
    monkeypatch.setattr(way.border, _answers(what))
    ended = CliRunner().invoke(cli.application, [*words.split(), *way.typed])
    assert ended.exit_code == status, ended.output
    if isinstance(what, BaseException):
        assert ended.stderr.count("\n") == 1, "one message"
        assert ended.stderr.startswith("interrupted" if status >= manual.INTERRUPTED else "error: ")
    if status == 1 and isinstance(what, OSError):
        assert ended.stderr == f"error: {what.filename}: {what.strerror}\n"


@EVERY
def test_wrong_usage_ends_with_two_and_says_where_help_is(words: str) -> None:
    ended = CliRunner().invoke(cli.application, [*words.split(), "--no-such-option"])
    assert ended.exit_code == manual.WRONG_USAGE
    assert "No such option: --no-such-option" in ended.stderr
    assert f"{words} --help" in ended.stderr


@EVERY
def test_a_reader_that_has_gone_ends_a_command_without_a_word(
    project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], words: str
) -> None:
    """As `lab ... | head -1` does."""
    reading, writing = os.pipe()
    os.close(reading)
    way = WAYS[words]

    def print_much(*_: object, **__: object) -> Any:
        Terminal().print("x" * 100_000)  # to the pipe, as all of them print for people
        return way.well

    monkeypatch.setattr(way.border, print_much)
    with os.fdopen(writing, "w", closefd=True) as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        with pytest.raises(SystemExit) as ended:
            cli.application([*words.split(), *way.typed])
        monkeypatch.undo()
    assert ended.value.code == manual.NOBODY_READS
    assert capfd.readouterr().err == ""


def test_a_connection_that_breaks_is_a_failure_and_not_a_reader_that_has_gone(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.twin_lab.leave", _answers(BrokenPipeError(32, "Broken pipe")))
    ended = CliRunner().invoke(cli.application, ["twin", "down"])
    assert (ended.exit_code, ended.stderr) == (1, "error: [Errno 32] Broken pipe\n")


@pytest.mark.parametrize(
    "words", [words for words in manual.ENTRIES if any(p.name == "stack" for p in FOUND[words].params)]
)
def test_a_stack_that_nobody_wrote_is_wrong_usage_and_the_one_that_is_meant_is_named(project: Path, words: str) -> None:
    ended = CliRunner().invoke(cli.application, [*words.split(), "--stack", "twinn"])
    assert ended.exit_code == manual.WRONG_USAGE
    for text in ("no stack 'twinn'", "stacks/Pulumi.twinn.yaml", "there are ", "did you mean 'twin'?"):
        assert text in ended.stderr
    assert list(project.glob("**/twinn*")) == [], "no such stack was made"


def test_a_stack_without_a_file_that_is_there_can_be_taken_down(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def pulumi(*words: str, stack: str) -> int:
        asked.append(f"{words[0]} {stack}")
        return 0

    monkeypatch.setattr("lab.engine.pulumi", pulumi)
    monkeypatch.setattr("lab.ground.prepare", lambda *_, **__: None)
    monkeypatch.setattr("lab.ground.leave", lambda _stack: None)
    recovery.state_file("lost").write_text("{}")
    assert CliRunner().invoke(cli.application, ["down", "--stack", "lost"]).exit_code == 0
    assert asked == ["destroy lost", "stack lost"]


def test_names_that_are_nearly_right_are_named(project: Path) -> None:
    for words, near in (
        (["twin", "reboot", "smily"], "did you mean 'smiley'?"),
        (["verfy"], "verify"),
        (["up", "--stak", "twin"], "--stack"),
    ):
        ended = CliRunner().invoke(cli.application, words)
        assert ended.exit_code == manual.WRONG_USAGE, ended.output
        assert near in ended.stderr
    with pytest.raises(UnknownNameError, match=r"did you mean 'access\.matrix'\?"):
        Selection(rows=["acces.matrix"]).of(ROWS)
