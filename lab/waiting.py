"""What the operator sees while a step takes long: what is waited for, for how long by now, and how long it usually takes."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status
from rich.text import Text

from lab.screen import Screen
from lab.tools.progress import duration

# What is done before that needs no line.
QUIET_SECONDS = 2.0
_TERMINAL_SECONDS = 0.5
_HEARTBEAT_SECONDS = 30.0


class Waiting:
    """Lines on stderr. On a terminal one line that moves; elsewhere a line when it begins to be long, and every 30 seconds."""

    def __init__(self, what: str, usually: str, console: Console | None = None) -> None:
        self._console = console or Screen(stderr=True)
        self._what, self._usually, self._news = what, usually, ""
        self._begun = time.monotonic()
        self._said = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def tell(self, news: str) -> None:
        """How far it is, for the next line."""
        self._news = news

    def begin(self) -> None:
        """From now on it is waited."""
        self._thread.start()

    def end(self, *, well: bool) -> None:
        """It is over. `well`: it is to be said of a step that was announced."""
        self._over.set()
        self._thread.join()
        if self._said and well:
            self._say(f"{self._what}  done  {duration(self._seconds())}")

    def _beat(self) -> None:
        if self._over.wait(QUIET_SECONDS):
            return
        self._said = True
        moves = self._console.is_terminal and not self._console.is_dumb_terminal
        if not moves:
            self._say(f"{self._what} ...  usually {self._usually}")
        status = self._console.status(Text(self._line())) if moves else None
        if status:
            status.start()
        try:
            self._go_on(status)
        finally:
            if status:
                status.stop()

    def _go_on(self, status: Status | None) -> None:
        while not self._over.wait(_TERMINAL_SECONDS if status else _HEARTBEAT_SECONDS):
            if status:
                status.update(Text(self._line()))
            else:
                self._say(f"  {self._line()}")

    def _line(self) -> str:
        news = f": {self._news}" if self._news else ""
        return f"{self._what}{news}  {duration(self._seconds())}, usually {self._usually}"

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False)

    def _seconds(self) -> float:
        return time.monotonic() - self._begun


@contextmanager
def waiting(what: str, usually: str, *, report: bool = False) -> Iterator[Waiting]:
    """Around a step that may take long; `usually` is how long it takes when all is well, in words.

    `report`: what follows says that it is done, and how long it took.
    """
    step = Waiting(what, usually)
    step.begin()
    well = False
    try:
        yield step
        well = True
    finally:
        step.end(well=well and not report)
