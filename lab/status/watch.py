"""One look after another: drawn over the last one on a terminal, printed below it elsewhere."""

import asyncio
from collections.abc import Awaitable, Callable

from rich.console import Console
from rich.live import Live
from rich.text import Text

from lab.status.report import drawn, show
from lab.status.screen import Screen

_PAUSE_SECONDS = 0.5  # at least, between two looks


async def watch(look: Callable[[], Awaitable[Screen]], console: Console, every: float) -> None:
    """Look every so many seconds, for ever; what was seen last stays on the terminal."""
    if not console.is_terminal:
        while True:
            screen = await look()
            show(screen, console)
            console.print()
            await asyncio.sleep(_pause(screen, every))
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            screen = await look()
            # A line less than there is room for: the cursor has one of its own.
            text = drawn(screen, console, console.height - 2)
            live.update(Text.assemble(text, (f" Every {every:g} s; Ctrl-C ends.", "dim")), refresh=True)
            await asyncio.sleep(_pause(screen, every))


def _pause(screen: Screen, every: float) -> float:
    return max(every - screen.seconds, _PAUSE_SECONDS)
