"""A throwaway SSH server on a free loopback port: real commands by /bin/sh, real files by SFTP, no root and no OpenSSH needed."""

import asyncio
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncssh

USER = "tester"


class Sshd:
    """Accepts one key for one user; `logins` counts what was tried, `commands` holds what was run."""

    def __init__(self, home: Path) -> None:
        """Commands run in `home`."""
        self.home = home
        self.connections = 0
        self.refused = 0
        self.commands: list[str] = []
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._client_key = asyncssh.generate_private_key("ssh-ed25519")
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def host_key(self) -> str:
        """The server's public key, as `connection.hostKey` wants it."""
        return self._host_key.export_public_key().decode().strip()

    @property
    def client_key(self) -> str:
        """The private key that is let in."""
        return self._client_key.export_private_key().decode()

    def accepts(self, user: str, key: asyncssh.SSHKey) -> bool:
        """Whether a login is let in; refusals are counted."""
        let_in = user == USER and key.public_data == self._client_key.public_data
        self.refused += not let_in
        return let_in

    def __enter__(self) -> Self:
        """Listens."""
        self._thread.start()
        listening = asyncio.run_coroutine_threadsafe(self._listen(), self._loop)
        self.port = listening.result(timeout=10).get_port()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)

    async def _listen(self) -> asyncssh.SSHAcceptor:
        return await asyncssh.create_server(
            lambda: _Server(self),
            "127.0.0.1",
            0,
            server_host_keys=[self._host_key],
            process_factory=self._run,
            encoding=None,
            sftp_factory=True,
        )

    async def _run(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        self.commands.append(process.command or "")
        given = await process.stdin.read()
        sent = {name: str(value) for name, value in process.env.items()}
        child = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            process.command or ":",
            cwd=self.home,
            env={"PATH": os.environ["PATH"], "HOME": str(self.home), **sent},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await child.communicate(given)
        process.stdout.write(output)
        process.stderr.write(errors)
        process.exit(child.returncode or 0)


class _Server(asyncssh.SSHServer):
    def __init__(self, sshd: Sshd) -> None:
        self._sshd = sshd

    def connection_made(self, _conn: Any) -> None:
        self._sshd.connections += 1

    def begin_auth(self, _username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self._sshd.accepts(username, key)

    def connection_requested(self, _host: str, _port: int, _origin: str, _origin_port: int) -> bool:
        return True
