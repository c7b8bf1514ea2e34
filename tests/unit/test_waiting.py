"""What is seen while a step takes long: nothing for a short one, a line that moves on a terminal, plain lines elsewhere."""

import io
import time
from collections.abc import Callable

import pytest
from rich.console import Console

from lab import waiting
from lab.waiting import Waiting


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "QUIET_SECONDS", 0.0)
    monkeypatch.setattr(waiting, "_HEARTBEAT_SECONDS", 0.01)
    monkeypatch.setattr(waiting, "_TERMINAL_SECONDS", 0.01)


def _shown(until: Callable[[str], bool], *, terminal: bool = False, well: bool = True, **options: object) -> str:
    file = io.StringIO()
    console = Console(file=file, soft_wrap=True, width=60, force_terminal=terminal, **options)  # type: ignore[arg-type]
    step = Waiting("starting the cluster", "10s", console)
    step.begin()
    step.tell("2 of 3 [nodes]")
    end = time.monotonic() + 30
    while not until(file.getvalue()):
        assert time.monotonic() < end, file.getvalue()
        time.sleep(0.005)
    step.end(well=well)
    return file.getvalue()


def test_elsewhere_than_on_a_terminal_it_says_what_is_waited_for_how_long_it_usually_takes_and_that_it_goes_on() -> (
    None
):
    lines = _shown(lambda text: text.count("\n") >= 3).splitlines()
    assert lines[0] == "starting the cluster ...  usually 10s"
    assert lines[1] == "  starting the cluster: 2 of 3 [nodes]  0s, usually 10s"
    assert lines[-1] == "starting the cluster  done  0s"


def test_what_failed_is_not_said_to_be_done() -> None:
    assert "done" not in _shown(lambda text: text.count("\n") >= 1, well=False)


def test_on_a_terminal_one_line_moves_and_goes_and_the_last_one_stays() -> None:
    text = _shown(lambda text: "usually 10s" in text, terminal=True)
    assert "\x1b[" in text, "it moves"
    assert "2 of 3 [nodes]" in text
    assert text.splitlines()[-1].endswith("starting the cluster  done  0s")


def test_a_terminal_that_cannot_move_its_cursor_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    text = _shown(lambda text: text.count("\n") >= 1, terminal=True)
    assert "\x1b[" not in text
    assert text.startswith("starting the cluster ...")


def test_a_short_step_is_not_worth_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(waiting, "QUIET_SECONDS", 30.0)
    with waiting.waiting("starting the cluster", "10s") as step:
        step.tell("soon")
    assert capsys.readouterr() == ("", "")
