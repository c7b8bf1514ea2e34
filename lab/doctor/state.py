"""What the engine has written down about a stack, read without the engine: updates, outputs, ends of certificates."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab import paths, recovery
from lab.doctor.configuration import Configuration
from lab.doctor.finding import Finding, failed, ok, warning

CHECK = "state"
_NETWORK = "docker:index/network:Network"
_SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105 - how the engine marks a value that is encrypted


@dataclass(frozen=True, kw_only=True)
class State:
    """`ends` are the ends of certificates by their resource's name; `mark` tells the cluster that this very stack made,
    `networks` are the Docker networks that it made, `resources` are all that it has, but for those on their way out, and
    `fault` says why the state cannot be read.
    """

    exists: bool = False
    pending: int = 0
    outputs: Mapping[str, Any] = field(default_factory=dict)
    ends: Mapping[str, datetime] = field(default_factory=dict)
    mark: str | None = None
    networks: frozenset[str] = frozenset()
    resources: Sequence[Mapping[str, Any]] = ()
    fault: str = ""


def read(stack: str) -> State:
    """The state of a stack in the lab's own directory; encrypted values stay so."""
    file = recovery.state_file(stack)
    if not file.exists():
        return State()
    try:
        latest = json.loads(file.read_text()).get("checkpoint", {}).get("latest") or {}
        resources = latest.get("resources") or []
        outputs: Mapping[str, Any] = next(
            (item.get("outputs", {}) for item in resources if item["type"] == "pulumi:pulumi:Stack"), {}
        )
        return State(
            exists=bool(resources),
            pending=len(latest.get("pending_operations") or []),
            outputs={name: value for name, value in outputs.items() if not is_secret(value)},
            networks=frozenset(
                str((item.get("outputs") or {}).get("name")) for item in resources if item["type"] == _NETWORK
            ),
            resources=[item for item in resources if not item.get("delete")],
            mark=next((_mark(item) for item in resources if item["urn"].endswith("::cluster-mark")), None),
            ends={item["urn"].split("::")[-1]: end for item in resources if (end := _end(item)) is not None},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return State(fault=f"{file} cannot be read: {type(error).__name__}: {error}")


async def check(configuration: Configuration, state: State, locks: list[str]) -> AsyncIterator[Finding]:
    """What a killed update has left, and whether secrets can be read again. `locks` are those of living owners."""
    stack, name = configuration.stack, f"stack {configuration.stack}"
    if state.fault:
        yield failed(CHECK, name, state.fault, f"ls -l {paths.home() / 'state' / '.pulumi' / 'backups'}")
        return
    for owner in locks:
        yield failed(
            CHECK, name, f"another update of it is running: {owner}", f"wait for it, or: pulumi cancel -s {stack}"
        )
    if state.pending:
        cause = (
            f"an update was killed half-way, {state.pending} of its steps are open; `make up` looks what became of them"
        )
        yield warning(CHECK, name, cause, f"make up STACK={stack}")
    salt = "encryptionsalt" in _text(configuration.file)
    if ((salt and configuration.encrypted) or state.exists) and not (paths.home() / "passphrase").is_file():
        yield failed(
            CHECK,
            name,
            f"{paths.home() / 'passphrase'} is not there, and only with it can secrets be read",
            f"put it back from a backup, or set every secret anew: pulumi config set --secret KEY -s {stack}",
        )
    elif not locks and not state.pending:
        yield ok(CHECK, name, "it is up, no update is open" if state.exists else "it is not up yet")


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError):
        return ""


def is_secret(value: Any) -> bool:
    """Whether the engine keeps the value encrypted."""
    return isinstance(value, dict) and _SECRET in value


def _mark(resource: Mapping[str, Any]) -> str | None:
    text = (resource.get("outputs") or {}).get("stdout")
    return text if isinstance(text, str) else None


def _end(resource: Mapping[str, Any]) -> datetime | None:
    if not str(resource["type"]).startswith("tls:index/"):
        return None
    end = (resource.get("outputs") or {}).get("validityEndTime")
    if not isinstance(end, str):
        return None
    moment = datetime.fromisoformat(end)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
