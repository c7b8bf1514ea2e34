"""How Pulumi reaches a device over SSH."""

from dataclasses import dataclass
from hashlib import sha256

import pulumi
import pulumi_command as command

# Three dials of eight seconds: a machine that does not answer is reported in under half a minute, and OpenSSH does not
# shut out who knocks more often.
_MORE_DIALS = 2
_DIAL_SECONDS = 8


@dataclass(frozen=True, kw_only=True)
class Connection:
    """`host_key` is the only key that is believed (`TYPE BASE64`); without `private_key` an SSH agent is asked."""

    host: str
    port: int
    user: str
    host_key: str
    private_key: pulumi.Input[str] | None

    @property
    def sudo(self) -> bool:
        """Whether commands need sudo to be root."""
        return self.user != "root"

    @property
    def machine(self) -> str:
        """A short name of the machine itself, by its host key: another machine in its place has another."""
        return sha256(self.host_key.encode()).hexdigest()[:8]

    def arguments(self) -> command.remote.ConnectionArgs:
        """The input `connection`; its private key is a secret."""
        return command.remote.ConnectionArgs(
            host=self.host,
            port=self.port,
            user=self.user,
            host_key=self.host_key,
            private_key=None if self.private_key is None else pulumi.Output.secret(self.private_key),
            dial_error_limit=_MORE_DIALS,
            per_dial_timeout=_DIAL_SECONDS,
        )
