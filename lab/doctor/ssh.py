"""Looking at a machine over SSH: the pinned host key only, nothing asked of anybody, one connection."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from domain import host_keys
from lab.doctor.finding import Finding, failed, not_checked

DIAL_SECONDS = 5.0
_LOGIN = "ssh.login"
# OpenSSH drops some of those who have not logged in when there are more than ten, but each machine is another one here.
AT_ONCE = 100


class Refused(Exception):
    """There is no way in; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.cause)
        self.finding = finding


@dataclass(frozen=True, kw_only=True)
class Target:
    """A machine as the stack file has it. `pinned` is the only host key that is believed, None when none is known.

    `pin_place` is where it stands: a known_hosts file, or a key of the stack file. `key_file` is the private key's;
    `encrypted_key` says that it is a secret of the stack file instead, which nobody reads here.
    """

    subject: str
    host: str
    port: int
    user: str
    pinned: str | None
    pin_place: Path | str
    key_file: Path | None = None
    encrypted_key: bool = False

    @property
    def sudo(self) -> str:
        return "" if self.user == "root" else "sudo -n "

    @property
    def command(self) -> str:
        """What a person would type to get there."""
        port = "" if self.port == 22 else f" -p {self.port}"
        key = f" -i {self.key_file}" if self.key_file else ""
        return f"ssh{key}{port} {self.user}@{self.host}"


class _Client(asyncssh.SSHClient):
    """Believes one key, and remembers the one that was shown."""

    def __init__(self, pinned: asyncssh.SSHKey | None) -> None:
        self._pinned = pinned
        self.shown: asyncssh.SSHKey | None = None

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002 - asyncssh's own
        self.shown = key
        return self._pinned is not None and key.public_data == self._pinned.public_data


@asynccontextmanager
async def login(target: Target) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """A connection, closed at the end. Raises Refused."""
    client = _Client(asyncssh.import_public_key(target.pinned) if target.pinned else None)
    keys, fault = await _keys(target)
    try:
        async with asyncio.timeout(DIAL_SECONDS):
            connection, _ = await asyncssh.create_connection(
                lambda: client,
                target.host,
                target.port,
                config=None,
                username=target.user,
                known_hosts=([], [], []),
                server_host_key_algs=list(host_keys.ALGORITHMS),
                client_keys=keys,
                preferred_auth="publickey",
                agent_path=None,
            )
    except (OSError, asyncssh.Error, TimeoutError) as error:
        refused = isinstance(error, asyncssh.PermissionDenied)
        # Without a key the host key was compared all the same.
        raise Refused(fault if refused and fault else _why(target, error, client.shown)) from None
    async with connection:
        yield connection


Keys = Sequence[asyncssh.SSHKey | asyncssh.SSHKeyPair] | None


async def _keys(target: Target) -> tuple[Keys, Finding | None]:
    """Those that an `up` would try: the one of the stack file, or the agent's; or why there is none."""
    if target.encrypted_key:
        why = "its host key is the pinned one; ssh-private-key is encrypted, and secrets are not read"
        return None, not_checked(_LOGIN, target.subject, why, f"{target.command} true")
    if target.key_file is None:
        if not (agent := os.environ.get("SSH_AUTH_SOCK")):
            return None, not_checked(_LOGIN, target.subject, "there is no key, see ssh.private-key-file")
        try:
            return await (await asyncssh.connect_agent(agent)).get_keys(), None
        except (OSError, asyncssh.Error) as error:
            cause = f"the SSH agent at {agent} does not answer: {error}"
            return None, failed(_LOGIN, target.subject, cause, "eval $(ssh-agent) && ssh-add")
    try:
        return [asyncssh.read_private_key(target.key_file)], None
    except FileNotFoundError:
        return None, not_checked(_LOGIN, target.subject, "there is no key, see ssh.private-key-file")
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, OSError) as error:
        return None, _bad_key(target, error)


def _why(target: Target, error: Exception, shown: asyncssh.SSHKey | None) -> Finding:
    where = f"{target.host} port {target.port}"
    if isinstance(error, asyncssh.HostKeyNotVerifiable) and shown is not None:
        return _other_key(target, shown)
    if isinstance(error, asyncssh.PermissionDenied):
        return _not_let_in(target)
    reach = "ssh.reach"
    if isinstance(error, socket.gaierror):
        return failed(reach, target.subject, f"no address is known for {target.host}", f"getent hosts {target.host}")
    if isinstance(error, ConnectionRefusedError):
        return failed(
            reach,
            target.subject,
            f"{where} refuses connections: no SSH server listens there",
            "on the machine: sudo systemctl enable --now ssh",
        )
    if isinstance(error, TimeoutError):
        return failed(
            reach,
            target.subject,
            f"{where} does not answer within {DIAL_SECONDS:.0f} s: it is off, unplugged, or behind a firewall",
            f"ping -c 3 {target.host}",
        )
    if isinstance(error, OSError):
        # The text of an error of asyncio's is its call; the system's number says it in words.
        said = os.strerror(error.errno) if error.errno else error
        cause = f"{where}: {said}; it is off or unplugged, or this machine has no way there"
        return failed(reach, target.subject, cause, f"ping -c 3 {target.host}")
    return failed(_LOGIN, target.subject, f"{where}: {error}", f"{target.command} -v true")


def _other_key(target: Target, shown: asyncssh.SSHKey) -> Finding:
    """Nothing was sent: the key is looked at before anybody logs in."""
    seen = f"{shown.get_fingerprint()} ({_type(shown)})"
    if target.pinned is None:
        cause = f"no host key of it is known; it shows {seen}"
    else:
        pinned = asyncssh.import_public_key(target.pinned)
        known = f"{pinned.get_fingerprint()} ({_type(pinned)})"
        if _type(pinned) == _type(shown):
            cause = f"{known} is pinned, {seen} is shown: another machine is there, or it was installed anew"
        elif _place(shown) < _place(pinned):
            cause = f"{known} is pinned, but Pulumi's SSH client asks for {seen} first, which it has too"
        else:
            cause = f"{known} is pinned, but it has no such key, and shows {seen}"
    compare = f"`ssh-keygen -lf /etc/ssh/ssh_host_{_short(shown)}_key.pub` on the machine"
    cause += f"; if {compare} says the same, take it over"
    return failed("ssh.host-key", target.subject, cause, _accept(target, shown))


def _accept(target: Target, shown: asyncssh.SSHKey) -> str:
    if isinstance(target.pin_place, str):
        line = " ".join(shown.export_public_key().decode().split()[:2])
        return f"set {target.pin_place} to {line!r}"
    name = target.host if target.port == 22 else f"[{target.host}]:{target.port}"
    file = target.pin_place
    scan = f"ssh-keyscan -t {_short(shown)} -p {target.port} {target.host} >>{file}"
    return scan if target.pinned is None else f"ssh-keygen -R '{name}' -f {file} && {scan}"


def _not_let_in(target: Target) -> Finding:
    key = f" -i {target.key_file}.pub" if target.key_file else ""
    which = f"the key {target.key_file}" if target.key_file else "every key of the SSH agent"
    port = "" if target.port == 22 else f" -p {target.port}"
    return failed(
        _LOGIN,
        target.subject,
        f"{target.user}@{target.host} refuses {which}",
        f"ssh-copy-id{key}{port} {target.user}@{target.host}",
    )


def _bad_key(target: Target, error: Exception) -> Finding:
    if isinstance(error, asyncssh.KeyEncryptionError) or "passphrase" in str(error).lower():
        return failed(
            _LOGIN,
            target.subject,
            f"the key {target.key_file} has a passphrase, which nobody is asked for",
            f"ssh-add {target.key_file}, and take ssh.private-key-file out of the stack file",
        )
    return failed(
        _LOGIN,
        target.subject,
        f"the key {target.key_file} cannot be read: {error}",
        f"ssh-keygen -yf {target.key_file}",
    )


def _type(key: asyncssh.SSHKey) -> str:
    return key.get_algorithm()


def _place(key: asyncssh.SSHKey) -> int:
    """Where Pulumi's SSH client has such keys in its order."""
    algorithms = host_keys.ALGORITHMS
    return algorithms.index(_type(key)) if _type(key) in algorithms else len(algorithms)


def _short(key: asyncssh.SSHKey) -> str:
    """As ssh-keygen and the files in /etc/ssh call it."""
    name = key.get_algorithm()
    return "ecdsa" if name.startswith("ecdsa") else "rsa" if "rsa" in name else "ed25519"
