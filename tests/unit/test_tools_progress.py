"""The time that is left, and the lines that tell it."""

import io
import time

import pytest
from rich.console import Console

from lab.tools import progress
from lab.tools.tool import Tool

SMALL = Tool(name="small", version="1", what="", weight=60)
LARGE = Tool(name="large", version="2", what="", weight=300)


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_the_time_left_follows_how_fast_this_machine_is(clock: Clock) -> None:
    said = io.StringIO()
    with progress.Progress(Console(file=said, soft_wrap=True)) as shown:
        shown.plan([SMALL, LARGE])
        assert shown.left() == 360
        with shown.work(SMALL, "building"):
            clock.now = 180  # three times as long as measured
        assert shown.left() == 300 * (60 + 180) / (60 + 60)
        with shown.work(LARGE, "building"):
            clock.now += 100
            assert shown.left() == 500
            assert shown.line() == "large 2  building  1m40s, about 8m20s left"
            clock.now += 650
            assert shown.left() == 150
        assert shown.left() == 0
    assert said.getvalue().splitlines() == [
        "to build: small, large; about 6m00s on 2 idle cores",
        "small 1  building ...",
        "small 1  done  3m00s",
        "large 2  building ...",
        "large 2  done  12m30s",
    ]


def test_where_there_is_no_terminal_a_line_says_every_so_often_that_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_HEARTBEAT_SECONDS", 0.01)
    said = io.StringIO()
    with progress.Progress(Console(file=said, soft_wrap=True)) as shown:
        shown.plan([LARGE])
        with shown.work(LARGE, "building"):
            time.sleep(0.2)
    assert "  large 2  building  0s, about 5m00s left" in said.getvalue().splitlines()
