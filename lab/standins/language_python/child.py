"""A program's process: started in a process group of its own, ended with everything that it started."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).with_name("program.py")
EXPLAINED = 32  # what program.py ends with when it has told the operator what is wrong
# As long as the official host waits between SIGINT and SIGKILL.
_GRACE_SECONDS = 5


async def run(python: Path, description: Mapping[str, Any]) -> int:
    """Runs the program and gives its exit code; output goes straight to this process's own. Cancelling ends the program."""
    process = await asyncio.create_subprocess_exec(
        str(python),
        "-u",
        str(PROGRAM),
        stdin=asyncio.subprocess.PIPE,
        start_new_session=True,
        cwd=description["program_directory"],
    )
    try:
        await process.communicate(json.dumps(description).encode())
    except asyncio.CancelledError:
        await asyncio.shield(_end(process))
        raise
    finally:
        _signal_group(process.pid, signal.SIGKILL)
    assert process.returncode is not None  # noqa: S101 - communicate() returned
    return process.returncode


async def _end(process: asyncio.subprocess.Process) -> None:
    _signal_group(process.pid, signal.SIGINT)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), _GRACE_SECONDS)
        return
    _signal_group(process.pid, signal.SIGKILL)
    await process.wait()


def _signal_group(leader: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, number)
