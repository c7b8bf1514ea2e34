"""A machine's public host key, out of what ssh keeps."""

from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_public_key

if TYPE_CHECKING:
    from asyncssh import SSHKnownHosts

# Of several keys the one that Pulumi's SSH client negotiates has to be pinned: it asks for them in this order.
_ORDER = (
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "ssh-ed25519",
)
# The same order as an SSH client says it: RSA keys sign in several ways.
ALGORITHMS = tuple(
    algorithm for key in _ORDER for algorithm in (("rsa-sha2-256", "rsa-sha2-512", key) if key == "ssh-rsa" else (key,))
)


def parsed(text: str) -> str | None:
    """The key as `TYPE BASE64`, without a comment; None when the text holds no public key."""
    try:
        key = load_ssh_public_key(text.strip().encode())
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def known(known_hosts: str, host: str, port: int) -> str | None:
    """The key of `host` in the text of a known_hosts file (hashed names too); None when it has none.

    Raises ValueError when the text is no known_hosts file.
    """
    trusted = _hosts(known_hosts).match(host, "", port)[0]
    keys = {key.get_algorithm(): key for key in trusted}
    for algorithm in _ORDER:
        if algorithm in keys:
            return parsed(keys[algorithm].export_public_key().decode())
    return None


@lru_cache(maxsize=4)
def _hosts(known_hosts: str) -> "SSHKnownHosts":
    """Read once, however many machines are looked up in it."""
    import asyncssh  # noqa: PLC0415 - a tenth of a second, which only who looks up keys should wait

    return asyncssh.import_known_hosts(known_hosts)
