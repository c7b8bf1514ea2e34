"""Programs of this machine, asked and not waited for longer than they may take."""

import asyncio
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass

from lab import engine

_NOT_INHERITED = ("KUBECONFIG", "PULUMI_STACK", "PULUMI_ACCESS_TOKEN")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a program said. `status` is None when it did not end in time."""

    status: int | None
    text: str
    fault: str


def environment() -> dict[str, str]:
    """What the lab's programs run with; nothing is made for it."""
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    return {**inherited, **engine.settings_for_shell()}


def find(name: str) -> str | None:
    """Where an `up` would find a program."""
    return shutil.which(name, path=environment()["PATH"])


async def ask(*command: str, seconds: float, extra: Mapping[str, str] | None = None) -> Answer:
    """Run a program without a terminal to its end; OSError when it cannot be started."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**environment(), **(extra or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        text, fault = await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError:
        return Answer(status=None, text="", fault=f"no answer within {seconds:.0f} s")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Answer(status=process.returncode, text=text.decode(errors="replace"), fault=fault.decode(errors="replace"))
