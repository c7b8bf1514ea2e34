"""How a command ends when it does not return: one message that says what happened, and the exit status for it."""

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from lab import manual
from lab.docker import DockerError
from lab.engine import EngineError
from lab.screen import Screen
from lab.tools import ToolError
from lab.twin.errors import TwinError

FAILED = 1


@contextmanager
def ending(words: str) -> Iterator[None]:
    """Around the command of these words: faults that the operator can mend, Ctrl-C, and a reader that has gone.

    Raises typer.Exit.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        entry = manual.ENTRIES.get(words)
        _say(f"interrupted{f'; {entry.interrupted}' if entry else ''}")
        raise typer.Exit(manual.INTERRUPTED) from None
    except (ToolError, TwinError, DockerError, EngineError, OSError) as error:
        if isinstance(error, BrokenPipeError) and _nobody_reads():
            # What Python would still write when it ends goes nowhere either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(manual.NOBODY_READS) from None
        _say(f"error: {said(error)}")
        raise typer.Exit(FAILED) from None


def said(error: Exception) -> str:
    """An error in words; of a file its name first, as everywhere."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    return str(error)


def _say(text: str) -> None:
    Screen(stderr=True).print(text, markup=False)


def _nobody_reads() -> bool:
    """Whether standard output is a pipe without a reader; connections break too."""
    poll = select.poll()
    try:
        poll.register(sys.stdout.fileno(), 0)
    except (OSError, ValueError):
        return False
    return any(event & select.POLLERR for _, event in poll.poll(0))
