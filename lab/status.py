"""What is up: one screen of the twin's processes and what the stack says of itself."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from lab import engine, stack_file, twin_lab
from lab.twin.cluster import Cluster
from lab.twin.devices import Rig
from lab.twin.inside import Inside

_SOON_DAYS = 30


def show(stack: str, console: Console) -> bool:
    """Print the status of a stack; returns whether everything that can be seen from here is up."""
    outputs = engine.outputs(stack)
    if not outputs:
        target = "make up" if stack == twin_lab.STACK else f"make up STACK={stack}"
        console.print(f"stack {stack}: nothing is up. Bring it up with: {target}")
        return False
    table = Table(title=f"stack {stack}", title_justify="left", show_header=False, box=None, padding=(0, 2, 0, 0))
    running = _twin(table) if stack == twin_lab.STACK else True
    table.add_row("linkerd", str(outputs.get("linkerd", "")))
    for name, end in sorted(dict(outputs.get("certificates", {})).items()):
        table.add_row(f"certificate {name}", expiry(str(end), datetime.now(UTC)))
    for name, identity in dict(outputs.get("workloads", {})).items():
        table.add_row(f"workload {name}", str(identity))
    for name, shares in dict(outputs.get("routes", {})).items():
        table.add_row(f"route {name}", _shares(shares))
    if "gui" in outputs:
        table.add_row("faces", str(outputs["gui"]))
    console.print(table)
    return running


def _twin(table: Table) -> bool:
    """What runs of the twin on this machine; whether all of it does."""
    processes = Cluster().status()
    beside = [process for process in Inside(Cluster().directory).status() if process.pid]
    asked = stack_file.outside(stack_file.find(twin_lab.STACK))
    devices = Rig(names=list(asked.devices)).status() if asked.devices else []
    guests = Rig().guests(list(asked.containers)) if asked.containers else []
    table.add_row("cluster", ", ".join(_process(process) for process in processes))
    for guest in guests:
        table.add_row(f"container {guest.name}", guest.state)
    for device in devices:
        failed = f", failed: {', '.join(device.failed)}" if device.failed else ""
        table.add_row(f"device {device.name}", f"{device.state}{failed}")
    if beside:
        table.add_row("in place of pods", ", ".join(_process(process) for process in beside))
    memory = sum(process.memory for process in [*processes, *beside]) / 2**20
    reached = "loopback and the devices' network only" if devices or guests else "loopback only"
    table.add_row("", f"{memory:.0f} MiB in all, {reached}")
    return (
        all(process.pid for process in processes)
        and all(device.state == "running" for device in devices)
        and all(guest.state.startswith("running") for guest in guests)
    )


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
