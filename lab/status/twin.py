"""What runs of the twin on this machine."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from lab.status.context import Context
from lab.status.item import Item, Part, State
from lab.status.threads import in_thread
from lab.twin.cluster import Cluster
from lab.twin.devices import Rig
from lab.twin.inside import Inside
from lab.twin.process import ProcessState


@dataclass(frozen=True, kw_only=True)
class Running:
    """Processes of the cluster, those in place of its pods, and devices by name with Docker's word for how they are."""

    cluster: Sequence[ProcessState]
    beside: Sequence[ProcessState]
    devices: Mapping[str, str]


async def look(context: Context) -> AsyncIterator[Item]:
    """The processes; then what is wrong with devices, which are asked themselves elsewhere."""
    running = await in_thread(partial(_running, context.recorded.devices))
    stopped = [process.name for process in running.cluster if not process.pid]
    names = ", ".join(process.name for process in running.cluster if process.pid)
    yield Item(
        part=Part.CLUSTER,
        subject="twin",
        state=State.BAD if stopped else State.WELL,
        word="DOWN" if stopped else "up",
        text=f"{', '.join(stopped)} {'does' if len(stopped) == 1 else 'do'} not run" if stopped else names,
        next=context.up if stopped else "",
        facts={"processes": {process.name: process.pid is not None for process in running.cluster}},
    )
    if running.beside:
        memory = sum(process.memory for process in [*running.cluster, *running.beside]) / 2**20
        names = ", ".join(process.name for process in running.beside)
        yield Item(
            part=Part.CLUSTER,
            subject="in place of pods",
            state=State.WELL,
            word="up",
            text=f"{names}; {memory:.0f} MiB in all",
            facts={"processes": [process.name for process in running.beside], "mebibytes": round(memory)},
        )
    for name, state in running.devices.items():
        if state != "running":
            yield Item(
                part=Part.MACHINES,
                subject=f"device {name}",
                state=State.BAD,
                word="DOWN",
                text=f"its container is {state}",
                next=context.up if state == "absent" else f".venv/bin/python -m lab twin reboot {name}",
                facts={"kind": "device", "container": state},
            )


def _running(names: Sequence[str]) -> Running:
    cluster = Cluster()
    devices = Rig(names=names).status() if names else []
    return Running(
        cluster=cluster.status(),
        beside=[process for process in Inside(cluster.directory).status() if process.pid],
        devices={device.name: device.state for device in devices},
    )
