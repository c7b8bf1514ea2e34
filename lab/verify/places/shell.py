"""A place that programs can be run at, of which curl is one."""

from collections.abc import Awaitable, Callable, Sequence

from lab.verify.place import Answer, NotProvable, Request
from lab.verify.places import curl
from lab.verify.program import Done

Runner = Callable[[Sequence[str], float], Awaitable[Done]]


class ShellPlace:
    """`run` gives a program's end for its command line and the seconds that it may take."""

    def __init__(self, name: str, run: Runner, *, meshed: bool = True) -> None:
        self._name = name
        self.run = run
        self._meshed = meshed

    @property
    def name(self) -> str:
        """In words."""
        return self._name

    async def ask(self, request: Request) -> Sequence[Answer]:
        """One answer for each of `count`."""
        found: list[Answer] = []
        for command, seconds in curl.commands(request):
            done = await self.run(command, seconds)
            count = command.count(request.url)
            found += curl.answers(done.out, count, f"{self._name}: {done.last}")
        return found

    async def metrics(self) -> str:
        """What the proxy counts, at the port that it has for this machine alone."""
        if not self._meshed:
            raise NotProvable(f"{self._name} has no proxy")
        done = await self.run(["curl", "--disable", "--silent", "--show-error", "--max-time", "5", curl.METRICS], 10)
        if done.status != 0:
            raise OSError(f"the proxy of {self._name} does not show its metrics: {done.last}")
        return done.out
