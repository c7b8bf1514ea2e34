"""What every look may ask: what is written, what is recorded, the cluster, the time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from lab.doctor import ssh
from lab.status.api import Api
from lab.status.recorded import Recorded
from settings import Settings

SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Context:
    """`api` is the lab's cluster; `encrypted_key` says that the private key for SSH is a secret, which nobody reads here.

    `gate` bounds how many machines are asked at a time, `seconds` is the time for everything.
    """

    stack: str
    project: Path
    settings: Settings
    recorded: Recorded
    api: Api
    encrypted_key: bool = False
    seconds: float = SECONDS
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(ssh.AT_ONCE))
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def up(self) -> str:
        """What brings the lab to what its file says."""
        return "make up" if self.stack == "twin" else f"make up STACK={self.stack}"

    @property
    def refresh(self) -> str:
        """What makes again what is gone from the cluster, in a shell set up by `env`."""
        return f"pulumi up --refresh -s {self.stack}"

    @property
    def doctor(self) -> str:
        """What says why something cannot be reached."""
        return "make doctor" if self.stack == "twin" else f"make doctor STACK={self.stack}"

    @property
    def file(self) -> str:
        """Where the configuration is."""
        return f"stacks/Pulumi.{self.stack}.yaml"
