"""What is up: one screen of the twin's processes and what the stack says of itself."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from lab import engine, twin_lab
from lab.twin.cluster import Cluster
from lab.twin.devices import DeviceState, Rig
from lab.twin.inside import Inside

_SOON_DAYS = 30


def show(stack: str, console: Console) -> bool:
    """Print the status of a stack; returns whether everything that the stack says is up."""
    outputs = engine.outputs(stack)
    processes = Cluster().status()
    if not outputs:
        console.print(f"stack {stack}: nothing is up. Bring it up with: make up")
        return False
    beside = [process for process in Inside(Cluster().directory).status() if process.pid]
    devices = _devices(stack)
    running = all(process.pid for process in processes) and all(device.state == "running" for device in devices)
    memory = sum(process.memory for process in [*processes, *beside]) / 2**20
    table = Table(title=f"stack {stack}", title_justify="left", show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row("cluster", ", ".join(_process(process) for process in processes))
    for device in devices:
        failed = f", failed: {', '.join(device.failed)}" if device.failed else ""
        table.add_row(f"device {device.name}", f"{device.state}{failed}")
    if beside:
        table.add_row("in place of pods", ", ".join(_process(process) for process in beside))
    reached = "loopback and the devices' network only" if devices else "loopback only"
    table.add_row("", f"{memory:.0f} MiB in all, {reached}")
    table.add_row("linkerd", str(outputs.get("linkerd", "")))
    for name, end in sorted(dict(outputs.get("certificates", {})).items()):
        table.add_row(f"certificate {name}", expiry(str(end), datetime.now(UTC)))
    for name, identity in dict(outputs.get("workloads", {})).items():
        table.add_row(f"workload {name}", str(identity))
    for name, shares in dict(outputs.get("routes", {})).items():
        table.add_row(f"route {name}", _shares(shares))
    console.print(table)
    return running


def _devices(stack: str) -> list[DeviceState]:
    names = list(twin_lab.outside(twin_lab.stack_file(stack)).devices) if stack == twin_lab.STACK else []
    return Rig(names=names).status() if names else []


def expiry(end: str, now: datetime) -> str:
    """`end` is RFC 3339; the answer names the date and the days left, and what to do when they are few."""
    moment = datetime.fromisoformat(end)
    days = (moment - now).days
    if moment <= now:
        return f"EXPIRED on {moment:%Y-%m-%d}: raise its generation under trust and run make up"
    urgent = "  (soon: raise its generation under trust)" if days < _SOON_DAYS else ""
    return f"until {moment:%Y-%m-%d}, {days} days left{urgent}"


def _process(process: Any) -> str:
    return f"{process.name} {'up' if process.pid else 'DOWN'}"


def _shares(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{share:.0%} {name}" for name, share in shares.items())
