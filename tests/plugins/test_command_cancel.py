"""Interrupted operations: nothing that a command started survives, and the next `up` converges."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plugins.harness import Stack


def _wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A process that ended, and whose parent has not asked yet, is no running one.
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def _children(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def _interrupted(stack: Stack, pids: Path, number: signal.Signals) -> list[int]:
    stack.program(f'command.local.Command("long", create="echo $$ >> {pids}; sleep 300 & echo $! >> {pids}; wait")')
    running = stack.start("up")
    assert _wait_for(lambda: len(_children(pids)) == 2, 60)
    running.process.send_signal(number)
    children = _children(pids)
    assert _wait_for(lambda: not any(_lives(pid) for pid in children), 15)
    assert running.wait().code
    return children


@pytest.mark.stricter  # the official plugin ends the shell alone, and waits for what that had started
def test_an_interrupt_ends_the_command_and_what_it_started(make_stack: Callable[[], Stack], tmp_path: Path) -> None:
    stack = make_stack()
    _interrupted(stack, tmp_path / "pids", signal.SIGINT)
    stack.program('command.local.Command("long", create="echo done")')
    assert stack.up().verdict("long") == "create"
    stack.expect_no_changes()


@pytest.mark.stricter  # with the official plugin what the shell had started lives on
def test_a_killed_engine_takes_its_plugins_and_their_commands_along(
    make_stack: Callable[[], Stack], tmp_path: Path
) -> None:
    stack = make_stack()
    _interrupted(stack, tmp_path / "pids", signal.SIGKILL)
    # The killed engine left its lock, as it does on any machine.
    stack.cli("cancel", "--yes", "--stack", "test")
    stack.program('command.local.Command("long", create="echo done")')
    assert stack.up().verdict("long") == "create"
