"""What the operator sees while tools are fetched: a line when one begins, a line when it ends, and the time left."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.status import Status

from lab.tools.tool import Tool

_HEARTBEAT_SECONDS = 30.0
_TERMINAL_SECONDS = 1.0
# How much the measured weights count against what this machine did so far: one small build, or one whose packages
# an earlier run had finished, says little about the big ones.
_PRIOR_SECONDS = 60.0


class Progress:
    """Lines on stderr. On a terminal a running line besides; elsewhere the same line every 30 seconds."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._remaining: list[Tool] = []
        self._current: tuple[Tool, str, float] | None = None
        self._weighed = self._took = _PRIOR_SECONDS
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._status: Status | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def plan(self, tools: Sequence[Tool]) -> None:
        """The builds that are ahead, in order; from now on the time left is told."""
        self._remaining = list(tools)
        if tools:
            self.say(
                f"to build: {', '.join(tool.name for tool in tools)}; about {duration(self.left())} on 2 idle cores"
            )

    def say(self, text: str) -> None:
        self._console.print(text, markup=False)

    @contextmanager
    def work(self, tool: Tool, how: str) -> Iterator[None]:
        """One tool's work: says that it begins, and how long it took when it ended well."""
        begun = time.monotonic()
        self._current = (tool, how, begun)
        self.say(f"{tool.name} {tool.version}  {how} ...")
        self._start_beating()
        try:
            yield
        finally:
            self._current = None
        took = time.monotonic() - begun
        if tool in self._remaining:
            self._remaining.remove(tool)
            self._weighed += tool.weight
            self._took += took
        self.say(f"{tool.name} {tool.version}  done  {duration(took)}")

    def skip(self, tool: Tool) -> None:
        """A planned build that is not needed any more."""
        self._remaining.remove(tool)

    def left(self) -> float:
        """Seconds that the planned builds still take: their measured weights, scaled by how this machine did so far."""
        scale = self._took / self._weighed
        expected = [tool.weight * scale for tool in self._remaining]
        if self._current and self._remaining and self._current[0] == self._remaining[0]:
            # A build that outlasts its estimate is not done: the longer it took, the more is probably left.
            elapsed = time.monotonic() - self._current[2]
            expected[0] = max(expected[0] - elapsed, elapsed / 5)
        return sum(expected)

    def line(self) -> str:
        """The running line: what is being done, for how long, and what is left."""
        if self._current is None:
            return ""
        tool, how, begun = self._current
        text = f"{tool.name} {tool.version}  {how}  {duration(time.monotonic() - begun)}"
        return f"{text}, about {duration(self.left())} left" if self._remaining else text

    def _start_beating(self) -> None:
        if self._thread.ident is None:
            if self._console.is_terminal:
                self._status = self._console.status("")
                self._status.start()
            self._thread.start()

    def _beat(self) -> None:
        while not self._stop.wait(_TERMINAL_SECONDS if self._status else _HEARTBEAT_SECONDS):
            if line := self.line():
                if self._status:
                    self._status.update(line)
                else:
                    self.say(f"  {line}")
        if self._status:
            self._status.stop()


def duration(seconds: float) -> str:
    """`45s`, `5m36s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"
