"""SSH keys of a rig: one that opens every device, and one for each device to be known by. Made here, before any device."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from lab.twin.files import write_private


def ensure_key(path: Path) -> str:
    """Public line, `ssh-ed25519 AAAA...`, of the private key at `path` (0600), which is made when it is not there."""
    try:
        key = load_ssh_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError):
        return new_key(path)
    path.chmod(0o600)
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def new_key(path: Path) -> str:
    """Public line of a new private key at `path`, in place of one that is there."""
    key = Ed25519PrivateKey.generate()
    write_private(path, key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
