"""SSH connections as the input `connection` describes them, by asyncssh."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncssh

from lab.standins.base import Call, ProviderError

_DEFAULTS: Mapping[str, Any] = {"user": "root", "port": 22, "dialErrorLimit": 10, "perDialTimeout": 15}
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.1, 5.0, 1.5
# Another try ends the same way, and OpenSSH shuts out who fails too often.
_FINAL = (asyncssh.HostKeyNotVerifiable, asyncssh.PermissionDenied, asyncssh.KeyExchangeFailed)


def with_defaults(connection: Mapping[str, Any]) -> dict[str, Any]:
    """The connection with the official defaults filled in, its proxy's too."""
    found = {**_DEFAULTS, **connection}
    if isinstance(found.get("proxy"), Mapping):
        found["proxy"] = {**_DEFAULTS, **found["proxy"]}
    return found


@asynccontextmanager
async def connected(call: Call, connection: Mapping[str, Any]) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """An open connection, through the proxy where there is one; closed at the end."""
    settings = with_defaults(connection)
    async with AsyncExitStack() as stack:
        tunnel = None
        if settings.get("proxy"):
            tunnel = await stack.enter_async_context(await _dial(call, settings["proxy"], None, "proxy: "))
        yield await stack.enter_async_context(await _dial(call, settings, tunnel, ""))


async def _dial(
    call: Call, settings: Mapping[str, Any], tunnel: asyncssh.SSHClientConnection | None, prefix: str
) -> asyncssh.SSHClientConnection:
    target, limit = f"{settings['user']}@{settings['host']}:{int(settings['port'])}", settings["dialErrorLimit"]
    options, tries, pause = _options(settings, prefix), 0, _FIRST_PAUSE
    while True:
        try:
            async with asyncio.timeout(settings["perDialTimeout"] or None):
                return await asyncssh.connect(settings["host"], int(settings["port"]), tunnel=tunnel or (), **options)
        except _FINAL as error:
            raise ProviderError(f"{prefix}{target}: {_explained(error, settings)}") from None
        except (OSError, asyncssh.Error, TimeoutError) as error:
            tries += 1
            if -1 < limit < tries:
                raise ProviderError(f"{prefix}{target}: after {tries} failed attempts: {_words(error)}") from None
            await call.log.status(f"Dial {tries}/{'inf' if limit == -1 else limit} failed: retrying")
            await asyncio.sleep(pause)
            pause = min(pause * _GROWTH, _LONGEST_PAUSE)


def _options(settings: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    agent = settings.get("agentSocketPath") or os.environ.get("SSH_AUTH_SOCK")
    return {
        "username": settings["user"],
        "config": None,
        "known_hosts": _known_hosts(settings.get("hostKey"), prefix),
        "client_keys": [_private_key(settings, prefix)] if settings.get("privateKey") else None,
        "password": settings.get("password"),
        "agent_path": agent or None,
        "login_timeout": settings["perDialTimeout"],
        "request_pty": False,
    }


def _known_hosts(host_key: str | None, prefix: str) -> Any:
    """Without a host key any server is believed, as with the official plugin."""
    if not host_key:
        return None
    try:
        return [asyncssh.import_public_key(host_key)], [], []
    except (asyncssh.KeyImportError, ValueError):
        raise ProviderError(f"{prefix}connection.hostKey: must be a public key such as 'ssh-ed25519 AAAA...'") from None


def _private_key(settings: Mapping[str, Any], prefix: str) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(settings["privateKey"], settings.get("privateKeyPassword"))
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError):
        raise ProviderError(
            f"{prefix}connection.privateKey: must be a private key in OpenSSH or PEM form, with connection.privateKeyPassword if it is encrypted"
        ) from None


def _explained(error: Exception, settings: Mapping[str, Any]) -> str:
    if isinstance(error, asyncssh.PermissionDenied):
        return f"the server refused the login of {settings['user']}; check connection.user and connection.privateKey (or password)"
    return (
        "the server's host key is not the expected one; check connection.hostKey, and that the machine is the right one"
    )


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__
