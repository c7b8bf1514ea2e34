"""Commands of a trial, each ended in order when the trial is interrupted."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

# The engine lets the steps that run end; the devices' own limits are shorter.
_END_SECONDS = 180.0
_LOOK_SECONDS = 0.1
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):
    """Somebody, or the machine, wants this to end."""


def run(*command: str, directory: Path, output: Path | None = None, extra: Mapping[str, str] | None = None) -> int:
    """Run to the end; the exit status. `output` takes what is printed to standard output, readable for its owner only."""
    # The trial's own lab: what the caller's shell says of another one does not hold there.
    inherited = {name: value for name, value in os.environ.items() if name not in ("LAB_HOME", "KUBECONFIG")}
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) if output else None
    try:
        # In a session of its own, so that a Ctrl-C reaches it once and in order: through this program.
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={**inherited, **(extra or {})},
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            start_new_session=True,
        )
    finally:
        if descriptor is not None:
            os.close(descriptor)
    try:
        return process.wait()
    except Interrupted:
        _end(process)
        raise


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program and what it has started: the engine goes on for a while after the program that started it."""
    for how in (signal.SIGINT, signal.SIGKILL):
        if not _send(process.pid, how):
            break
        end = time.monotonic() + _END_SECONDS
        while process.poll() is None or _send(process.pid, 0):
            if time.monotonic() > end:
                break
            time.sleep(_LOOK_SECONDS)
        else:
            break
    process.wait()


def _send(group: int, how: int) -> bool:
    """Send a signal to what a program has started, 0 only to look; whether anything of it is there."""
    try:
        os.killpg(group, how)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def interruptible() -> Iterator[None]:
    """Signals that end a program raise Interrupted inside; behind it, once, so that cleaning up is not cut off."""

    def interrupt(number: int, _frame: FrameType | None) -> None:
        for other in _SIGNALS:
            signal.signal(other, signal.SIG_IGN)
        raise Interrupted(signal.Signals(number).name)

    before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
