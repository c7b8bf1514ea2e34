"""Gathers what a command writes, and shows it line by line while it runs."""

import codecs
from dataclasses import dataclass, field
from typing import Protocol

from lab.standins.base import Call

_CHUNK = 65536


class Reader(Protocol):
    """A stream of asyncio or of asyncssh, in bytes."""

    async def read(self, n: int = -1) -> bytes:
        """Up to n bytes; empty at the end."""


@dataclass
class Output:
    """`both` holds the two streams in the order of arrival, for the error message."""

    stdout: str = ""
    stderr: str = ""
    both: list[str] = field(default_factory=list)

    def results(self) -> dict[str, str]:
        """As outputs of the resource: without the newline at the end."""
        return {"stdout": self.stdout.removesuffix("\n"), "stderr": self.stderr.removesuffix("\n")}


async def gather(call: Call, reader: Reader, output: Output, name: str, *, show: bool) -> None:
    """Reads `reader` to its end into the stream `name` of `output`; with `show`, each line is the resource's status meanwhile."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    line = ""
    while chunk := await reader.read(_CHUNK):
        text = decoder.decode(chunk)
        setattr(output, name, getattr(output, name) + text)
        output.both.append(text)
        if show:
            *lines, line = (line + text).split("\n")
            for complete in lines:
                await call.log.status(complete)
    if show and line:
        await call.log.status(line)
