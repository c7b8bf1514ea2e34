"""A machine outside the cluster, over SSH, with the host key that is pinned for it."""

import asyncio
import shlex
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncssh

from lab import paths
from lab.doctor import ssh
from lab.doctor.finding import Status
from lab.verify.place import NotProvable, Place
from lab.verify.places.shell import ShellPlace
from lab.verify.program import Done

CAPTURE = paths.CHECKOUT / "assets" / "verify" / "capture"
_NOBODY_THERE = 3
_AT_ONCE = 6  # sessions of one connection; sshd allows ten


class Machine(ShellPlace):
    """Programs run as the user who logs in; what needs root goes by sudo, without a password."""

    def __init__(self, target: ssh.Target, connection: asyncssh.SSHClientConnection) -> None:
        super().__init__(target.subject, self._run)
        self._target, self._connection = target, connection
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def log(self, seconds: float) -> str:
        """Lines of the proxy's journal."""
        command = [
            *shlex.split(self._target.sudo),
            "journalctl",
            "--unit=mesh-expansion-proxy.service",
            f"--since=-{seconds:.0f}s",
            "--output=cat",
            "--no-pager",
        ]
        done = await self._run(command, 20)
        if done.status != 0:
            raise OSError(f"the journal of {self.name} cannot be read: {done.last}")
        return done.out

    async def capture(self, address: str, port: int, seconds: float) -> bytes:
        """Packets as a pcap file. NotProvable where nothing there can read them."""
        command = f"{self._target.sudo}sh -s -- {shlex.join([address, str(port), f'{seconds:.0f}'])}"
        async with self._gate:
            done = await self._answer(command, seconds + 10, CAPTURE.read_bytes())
        fault = _text(done.stderr).strip()
        if done.exit_status == _NOBODY_THERE:
            raise NotProvable(f"{self.name}: packets cannot be read there: {fault}")
        if done.exit_status != 0:
            raise OSError(f"packets cannot be read on {self.name}: {fault or done.exit_status}")
        return done.stdout if isinstance(done.stdout, bytes) else b""

    async def _run(self, command: Sequence[str], seconds: float) -> Done:
        async with self._gate:
            done = await self._answer(shlex.join(command), seconds)
        status = done.exit_status if done.exit_status is not None else 255
        return Done(status=status, out=_text(done.stdout), fault=_text(done.stderr))

    async def _answer(self, command: str, seconds: float, stdin: bytes = b"") -> asyncssh.SSHCompletedProcess:
        try:
            return await self._connection.run(command, input=stdin, encoding=None, timeout=seconds)
        except (asyncssh.TimeoutError, TimeoutError):
            raise TimeoutError(f"{self.name} gave no answer within {seconds:.0f} s") from None
        except asyncssh.Error as error:
            raise OSError(f"the connection to {self.name} broke: {error}") from None


@asynccontextmanager
async def machine(target: ssh.Target) -> AsyncIterator[Place]:
    """One connection. NotProvable where there is no key to log in with, OSError where the machine does not let it in."""
    login = ssh.login(target)
    try:
        connection = await login.__aenter__()
    except ssh.Refused as refused:
        if refused.finding.status is Status.NOT_CHECKED:
            raise NotProvable(f"{target.subject}: {refused.finding.cause}") from None
        raise OSError(f"{refused.finding.cause}; {refused.finding.next}") from None
    try:
        yield Machine(target, connection)
    finally:
        await login.__aexit__(None, None, None)


def _text(content: object) -> str:
    return content.decode(errors="replace") if isinstance(content, bytes) else str(content or "")
