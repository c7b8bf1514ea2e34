"""Programs of this machine that `verify` runs: out of the terminal's reach, so that Ctrl-C ends them in order."""

import asyncio
from dataclasses import dataclass

from lab.doctor.command import environment


@dataclass(frozen=True, kw_only=True)
class Done:
    """How a program ended and what it said."""

    status: int
    out: str
    fault: str

    @property
    def last(self) -> str:
        """The last line of its complaint."""
        lines = (self.fault or self.out).strip().splitlines()
        return lines[-1] if lines else f"it ended with {self.status} and said nothing"


async def run(*command: str, seconds: float, stdin: str = "") -> Done:
    """A program to its end. OSError when it cannot be started, TimeoutError when it takes longer."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, fault = await asyncio.wait_for(process.communicate(stdin.encode()), seconds)
    except TimeoutError:
        raise TimeoutError(f"{command[0].rsplit('/', 1)[-1]} gave no answer within {seconds:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Done(status=process.returncode or 0, out=out.decode(errors="replace"), fault=fault.decode(errors="replace"))
