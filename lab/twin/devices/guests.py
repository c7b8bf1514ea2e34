"""Edge containers on a rig's network: Pulumi makes them; here they are looked at, and what is left of them is removed."""

from typing import NamedTuple

import docker

from domain import labels
from lab.twin.devices.base_image import forget
from lab.twin.devices.layout import Layout


class GuestState(NamedTuple):
    """`state` is Docker's (`running`, `exited`) with the health that it has found, or `absent`."""

    name: str
    container: str
    state: str


def states(client: docker.DockerClient, at: Layout, names: list[str]) -> list[GuestState]:
    """Each of the workloads `names` as its container is."""
    listed = client.containers.list(all=True, filters={"network": at.network, "label": labels.WORKLOAD})
    found = {container.labels[labels.WORKLOAD]: container for container in listed}
    return [
        GuestState(name, str(found[name].name), _state(found[name].attrs))
        if name in found
        else GuestState(name, at.guest(name), "absent")
        for name in names
    ]


def remove(client: docker.DockerClient, at: Layout) -> None:
    """Take away what containers leave that did not leave by themselves: keys, images, and what those were made of."""
    for volume in client.volumes.list(filters={"label": labels.WORKLOAD}):
        if str(volume.name).startswith(at.guest("")):
            volume.remove()
    client.images.prune(filters={"dangling": False, "label": f"{labels.LAB}={at.network}"})
    forget(client, at.parts_repository)


def _state(attributes: dict[str, object]) -> str:
    state = attributes["State"]
    assert isinstance(state, dict)  # noqa: S101 - of Docker's interface
    health = (state.get("Health") or {}).get("Status")
    return f"{state['Status']}, {health}" if health and state["Status"] == "running" else str(state["Status"])
